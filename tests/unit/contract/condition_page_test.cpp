#include "contract/condition_page.h"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "contract/condition_access.h"

namespace aerostat {
namespace {

ConditionPage fresh_page() {
    ConditionPage page{};
    page.magic = kConditionMagic;
    page.version = kConditionVersion;
    page.size = kConditionStateSize;
    return page;
}

// A state whose every figure follows from one number, so that a mixture of two shows.
ConditionState state_number(std::uint64_t n) {
    ConditionState state{};
    state.session = n;
    state.updated_ns = n * 3;
    state.available_bytes = n * 5;
    state.suggested_release_bytes = n * 7;
    state.guest_total_bytes = n * 11;
    state.host_price = static_cast<double>(n);
    return state;
}
bool is_whole(const ConditionState& state) {
    const std::uint64_t n = state.session;
    return state.updated_ns == n * 3 && state.available_bytes == n * 5 && state.suggested_release_bytes == n * 7 &&
           state.guest_total_bytes == n * 11 && state.host_price == static_cast<double>(n);
}

TEST(ConditionPage, CarriesItsMagicAsReadableBytes) {
    char bytes[8];
    std::memcpy(bytes, &kConditionMagic, sizeof bytes);
    EXPECT_EQ(std::string(bytes, sizeof bytes), "AROSTCON");
}

TEST(ConditionPage, KeepsTheOffsetsThatReadersInOtherLanguagesUse) {
    EXPECT_EQ(offsetof(ConditionPage, level_changes), 20U);
    EXPECT_EQ(offsetof(ConditionPage, changes), 24U);
    EXPECT_EQ(offsetof(ConditionPage, slot) + sizeof(ConditionSlot), 576U);
    EXPECT_EQ(offsetof(ConditionState, updated_ns), 8U);
    EXPECT_EQ(offsetof(ConditionState, validity), 32U);
    EXPECT_EQ(offsetof(ConditionState, suggested_release_bytes), 56U);
    EXPECT_EQ(offsetof(ConditionState, guest_total_bytes), 96U);
    EXPECT_EQ(offsetof(ConditionState, psi_full_avg10), 120U);
    EXPECT_EQ(offsetof(ConditionState, updates), 128U);
    EXPECT_TRUE(std::is_trivially_copyable_v<ConditionPage>);
}

TEST(ConditionPage, WhatIsPublishedIsRead) {
    ConditionPage page = fresh_page();
    EXPECT_FALSE(read_condition(page)) << "nothing has been published";
    for (std::uint64_t n = 1; n < 5; ++n) {
        publish_condition(page, state_number(n));
        const auto seen = read_condition(page);
        ASSERT_TRUE(seen);
        EXPECT_EQ(seen->session, n);
        EXPECT_EQ(seen->updates, n);
        EXPECT_TRUE(is_whole(*seen));
    }
}

TEST(ConditionPage, APageOfAnotherKindIsNotRead) {
    ConditionPage page = fresh_page();
    publish_condition(page, state_number(1));
    ConditionPage other = page;
    other.magic ^= 1;
    EXPECT_FALSE(read_condition(other));
    other = page;
    other.version = 2;
    EXPECT_FALSE(read_condition(other));
    other = page;
    other.size = kConditionStateSize - 8;
    EXPECT_FALSE(read_condition(other));
    other = page;
    other.slot[1].state.available_bytes ^= 1;
    EXPECT_FALSE(read_condition(other)) << "the checksum";
}

// A writer that dies writes a part of the slot that nobody reads.
TEST(ConditionPage, AWriterThatDiesInTheMiddleLeavesTheLastStateWhole) {
    ConditionPage page = fresh_page();
    publish_condition(page, state_number(1));
    page.slot[0].state.session = 2;
    page.slot[0].state.available_bytes = 77;
    const auto seen = read_condition(page);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->session, 1U);
    publish_condition(page, state_number(3));
    EXPECT_EQ(read_condition(page)->session, 3U) << "its successor goes on";
}

TEST(ConditionPage, SequencesWrap) {
    ConditionPage page = fresh_page();
    page.sequence = ~0U - 1;
    for (std::uint64_t n = 1; n < 5; ++n) {
        publish_condition(page, state_number(n));
        EXPECT_EQ(read_condition(page)->session, n);
    }
    EXPECT_EQ(page.sequence, 2U);
}

// Fails under ThreadSanitizer, too, if an access is not atomic.
TEST(ConditionPage, FourReadersNeverSeeAMixture) {
    ConditionPage page = fresh_page();
    publish_condition(page, state_number(1));
    std::atomic<bool> done = false;
    std::atomic<std::uint64_t> torn = 0;
    std::atomic<std::uint64_t> reads = 0;
    std::atomic<std::uint64_t> seen_last = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i) {
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!done) {
                const auto seen = read_condition(page);
                if (!seen) continue;  // lapped eight times by a writer that does nothing else
                torn += !is_whole(*seen) || seen->session < last;
                last = seen->session;
                ++reads;
            }
            seen_last += last;
        });
    }
    constexpr std::uint64_t kWrites = 200'000;
    for (std::uint64_t n = 2; n <= kWrites || reads < 1000; ++n) publish_condition(page, state_number(n));
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(torn, 0U);
    EXPECT_GT(seen_last, 0U);
}

TEST(ConditionPage, AStateIsStaleAfterItsTimeAndWhenItComesFromAnotherBoot) {
    ConditionState state{};
    state.updated_ns = 10'000'000'000;
    state.stale_after_ns = 5'000'000'000;
    EXPECT_FALSE(is_stale(state, 10'000'000'000));
    EXPECT_FALSE(is_stale(state, 15'000'000'000));
    EXPECT_TRUE(is_stale(state, 15'000'000'001));
    EXPECT_FALSE(is_stale(state, 9'996'000'000)) << "the coarse clock lags";
    EXPECT_TRUE(is_stale(state, 8'000'000'000));
    state.stale_after_ns = ~0ULL;
    EXPECT_FALSE(is_stale(state, 1ULL << 60U));
}

}  // namespace
}  // namespace aerostat
