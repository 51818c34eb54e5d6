#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <thread>

#include "contract/condition_access.h"
#include "guest-balloon/act/condition_page.h"
#include "guest-balloon/client/page_source.h"
#include "guest-balloon/client/state_view.h"
#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/condition_handle.h"

extern "C" {
size_t c_size_of_condition(void);
size_t c_offset_of_available(void);
size_t c_offset_of_host_price(void);
size_t c_size_of_options(void);
int c_round_trip(const char* directory, aerostat_memory_condition* into);
int noop_round_trip(aerostat_memory_condition* into);
}

namespace aerostat::client {
namespace {

using aerostat::guest::ConditionNews;
using aerostat::guest::ConditionPageFile;
using aerostat::testing::TemporaryDirectory;

ConditionState fresh_state(std::uint64_t session = 7) {
    ConditionState state{};
    state.session = session;
    state.updated_ns = coarse_now_ns();
    state.stale_after_ns = 60'000'000'000;
    state.level = 2;
    state.trend = 2;
    state.available_bytes = 1000;
    state.suggested_release_bytes = 500;
    state.deadline_ns = state.updated_ns + 5'000'000'000;
    state.guest_target_bytes = kConditionUnknown;
    state.host_level = kConditionLevelUnknown;
    state.host_price = -1;
    return state;
}

TEST(CInterface, HasTheLayoutThatOthersHaveCompiled) {
    EXPECT_EQ(sizeof(aerostat_memory_condition), 136U);
    EXPECT_EQ(offsetof(aerostat_memory_condition, session), 16U);
    EXPECT_EQ(offsetof(aerostat_memory_condition, age_ns), 40U);
    EXPECT_EQ(offsetof(aerostat_memory_condition, available_bytes), 48U);
    EXPECT_EQ(offsetof(aerostat_memory_condition, host_price), 112U);
    EXPECT_EQ(sizeof(aerostat_reclaimer_options), 56U);
    EXPECT_EQ(c_size_of_condition(), sizeof(aerostat_memory_condition));
    EXPECT_EQ(c_offset_of_available(), offsetof(aerostat_memory_condition, available_bytes));
    EXPECT_EQ(c_offset_of_host_price(), offsetof(aerostat_memory_condition, host_price));
    EXPECT_EQ(c_size_of_options(), sizeof(aerostat_reclaimer_options));
}

TEST(CInterface, WithoutALibraryTheSameProgramRuns) {
    aerostat_memory_condition now{};
    EXPECT_EQ(noop_round_trip(&now), 0);
    EXPECT_EQ(now.validity, AEROSTAT_NO_DAEMON);
    EXPECT_EQ(now.level, AEROSTAT_LEVEL_UNKNOWN);
    EXPECT_EQ(now.available_bytes, AEROSTAT_UNKNOWN);
}

TEST(CInterface, NoDaemonIsAnAnswer) {
    const TemporaryDirectory directory;
    aerostat_memory_condition now{};
    EXPECT_EQ(c_round_trip(directory.path().c_str(), &now), 0);
    EXPECT_EQ(now.validity, AEROSTAT_NO_DAEMON);
    EXPECT_EQ(now.level, AEROSTAT_LEVEL_UNKNOWN);
    EXPECT_EQ(now.guest_total_bytes, AEROSTAT_UNKNOWN);
    EXPECT_LT(now.psi_some_avg10, 0);
    EXPECT_EQ(c_round_trip("/nowhere/at/all", &now), 0);
}

TEST(CInterface, SaysWhatThePageSays) {
    const TemporaryDirectory directory;
    const auto page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(), ConditionNews::level);
    Handle handle(directory.path());
    const auto now = handle.read();
    EXPECT_EQ(now.validity, AEROSTAT_VALID);
    EXPECT_EQ(now.level, AEROSTAT_LEVEL_TIGHT);
    EXPECT_EQ(now.trend, AEROSTAT_TREND_FALLING);
    EXPECT_EQ(now.session, 7U);
    EXPECT_EQ(now.available_bytes, 1000U);
    EXPECT_LE(now.release_within_ns, 5'000'000'000U);
    EXPECT_GT(now.release_within_ns, 1'000'000'000U);
    EXPECT_EQ(now.guest_target_bytes, AEROSTAT_UNKNOWN);
    EXPECT_EQ(now.host_level, AEROSTAT_LEVEL_UNKNOWN);
}

TEST(CInterface, AnOldStateIsStaleAndAGoodbyeIsNoDaemon) {
    const TemporaryDirectory directory;
    const auto page = ConditionPageFile::open(directory / "condition");
    Handle handle(directory.path());
    ConditionState state = fresh_state();
    state.updated_ns -= 120'000'000'000;
    (*page)->publish(state, ConditionNews::level);
    EXPECT_EQ(handle.read().validity, AEROSTAT_STALE);
    EXPECT_EQ(handle.read().available_bytes, 1000U) << "the last word can be read";
    (*page)->publish(fresh_state(), ConditionNews::level);
    EXPECT_EQ(handle.read().validity, AEROSTAT_VALID);
    (*page)->say_goodbye(SystemClock().now());
    EXPECT_EQ(handle.read().validity, AEROSTAT_NO_DAEMON);
    EXPECT_EQ(handle.read().available_bytes, AEROSTAT_UNKNOWN);
}

TEST(CInterface, OlderAndNewerProgramsGetWhatTheyKnow) {
    const TemporaryDirectory directory;
    const auto page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(), ConditionNews::level);
    Handle handle(directory.path());
    aerostat_memory_condition old{};
    std::memset(&old, 0x5a, sizeof old);
    old.struct_size = offsetof(aerostat_memory_condition, suggested_release_bytes);
    EXPECT_EQ(aerostat_condition_read(handle.get(), &old), 0);
    EXPECT_EQ(old.available_bytes, 1000U);
    EXPECT_EQ(old.suggested_release_bytes, 0x5a5a5a5a5a5a5a5aU) << "beyond its structure";
    EXPECT_EQ(old.struct_size, offsetof(aerostat_memory_condition, suggested_release_bytes));
    std::vector<char> larger(512, 0x5a);
    const std::uint32_t size = 512;
    std::memcpy(larger.data(), &size, sizeof size);
    EXPECT_EQ(aerostat_condition_read(handle.get(), reinterpret_cast<aerostat_memory_condition*>(larger.data())), 0);
    EXPECT_EQ(larger[sizeof(aerostat_memory_condition)], 0x5a);
    old.struct_size = 3;
    EXPECT_EQ(aerostat_condition_read(handle.get(), &old), AEROSTAT_E_ARGUMENT);
}

TEST(CInterface, RefusesWhatMakesNoSense) {
    const TemporaryDirectory directory;
    aerostat_condition* reader = nullptr;
    aerostat_reclaimer* reclaimer = nullptr;
    aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
    EXPECT_EQ(aerostat_condition_open("", nullptr), AEROSTAT_E_ARGUMENT);
    EXPECT_EQ(aerostat_condition_open(std::string(5000, 'x').c_str(), &reader), AEROSTAT_E_ARGUMENT);
    EXPECT_EQ(reader, nullptr);
    EXPECT_EQ(aerostat_condition_read(nullptr, &now), AEROSTAT_E_ARGUMENT);
    Handle handle(directory.path());
    EXPECT_EQ(aerostat_condition_wait(handle.get(), 9, 0, &now), AEROSTAT_E_ARGUMENT);
    EXPECT_EQ(aerostat_condition_dispatch(handle.get()), AEROSTAT_E_ARGUMENT) << "no descriptor was asked for";
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    options.name = "a cache";
    options.reclaim = [](void*, std::uint64_t, std::uint64_t) { return std::uint64_t{0}; };
    EXPECT_EQ(aerostat_reclaimer_register(&options, &reclaimer), AEROSTAT_E_ARGUMENT) << "a blank in the name";
    options.name = "cache";
    options.flags = 64;
    EXPECT_EQ(aerostat_reclaimer_register(&options, &reclaimer), AEROSTAT_E_ARGUMENT);
    aerostat_condition_close(nullptr);
    aerostat_reclaimer_unregister(nullptr);
    EXPECT_STREQ(aerostat_level_name(77), "unknown");
    EXPECT_STREQ(aerostat_error_text(-77), "unknown");
}

TEST(CInterface, WaitingEndsWithNewsWithTimeAndWithAge) {
    const TemporaryDirectory directory;
    const auto page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(), ConditionNews::level);
    Handle handle(directory.path());
    aerostat_memory_condition seen = AEROSTAT_MEMORY_CONDITION_INIT;
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, 0, &seen), 1) << "a fresh one differs";
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, 20, &seen), 0);
    std::thread writer([&] { (*page)->publish(fresh_state(8), ConditionNews::level); });
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, -1, &seen), 1);
    EXPECT_EQ(seen.session, 8U);
    writer.join();
    (*page)->publish(fresh_state(8), ConditionNews::figures);
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, 20, &seen), 0) << "only figures";
    (*page)->publish(fresh_state(8), ConditionNews::figures);
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_ANY, 0, &seen), 1);
    ConditionState aging = fresh_state(8);
    aging.stale_after_ns = 50'000'000;
    (*page)->publish(aging, ConditionNews::nothing);
    EXPECT_EQ(aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, 5000, &seen), 1)
        << "nobody wakes those who wait for the dead";
    EXPECT_EQ(seen.validity, AEROSTAT_STALE);
}

TEST(CInterface, AFileThatWasReplacedIsFound) {
    const TemporaryDirectory directory;
    auto page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(1), ConditionNews::level);
    Handle handle(directory.path());
    EXPECT_EQ(handle.read().session, 1U);
    (*page)->say_goodbye(SystemClock().now());
    ASSERT_EQ(::unlink((directory / "condition").c_str()), 0);
    page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(2), ConditionNews::level);
    aerostat_memory_condition seen = handle.read();
    const bool has_waited = seen.session != 2;
    EXPECT_TRUE(!has_waited || aerostat_condition_wait(handle.get(), AEROSTAT_WAIT_LEVEL, 5000, &seen) == 1);
    EXPECT_EQ(seen.session, 2U);
}

TEST(CInterface, APageThatOthersMayWriteIsNotBelieved) {
    const TemporaryDirectory directory;
    const auto page = ConditionPageFile::open(directory / "condition");
    (*page)->publish(fresh_state(), ConditionNews::level);
    ASSERT_EQ(::chmod((directory / "condition").c_str(), 0666), 0);
    Handle handle(directory.path());
    EXPECT_EQ(handle.read().validity, AEROSTAT_NO_DAEMON);
}

// Whatever stands in the page, what comes out is what the header promises.
TEST(CInterface, NoiseIsNeverMoreThanNoDaemonOrAState) {
    std::mt19937_64 random(1);
    ConditionPage page{};
    for (int i = 0; i < 20'000; ++i) {
        auto* words = reinterpret_cast<std::uint64_t*>(&page);
        for (std::size_t k = 0; k < sizeof page / 8; ++k) words[k] = random();
        if (i % 2 == 0) {
            page.magic = kConditionMagic;
            page.version = kConditionVersion;
        }
        aerostat_memory_condition now{};
        describe_page(&page, random(), now);
        EXPECT_GE(now.level, AEROSTAT_LEVEL_UNKNOWN);
        EXPECT_LE(now.level, AEROSTAT_LEVEL_CRITICAL);
        EXPECT_GE(now.validity, AEROSTAT_VALID);
        EXPECT_LE(now.validity, AEROSTAT_NO_HOST);
        EXPECT_TRUE(now.host_price == -1 || now.host_price >= 0);
    }
}

}  // namespace
}  // namespace aerostat::client
