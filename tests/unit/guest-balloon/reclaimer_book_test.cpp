#include "guest-balloon/decide/reclaimer_book.h"

#include <gtest/gtest.h>

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using std::chrono::seconds;

class ReclaimerBookTest : public ::testing::Test {
protected:
    ManualClock clock;
    ReclaimerBook book;

    static constexpr uid_t kSomebody = 1000;

    // Each connection is another user's.
    void put(ConnectionId from, const std::string& name, Bytes releasable, std::optional<double> price = std::nullopt) {
        ASSERT_TRUE(book.put(from, kSomebody + static_cast<uid_t>(from), ReclaimerFigures{name, releasable, price}));
    }
    std::vector<AskReclaimer> ask(Bytes wanted) { return book.ask(wanted, clock.now() + seconds(10), clock.now()); }
    void answer(const AskReclaimer& request, Bytes released) {
        book.answered(request.to, request.id, Reclaimed{request.order.reclaimer, released}, clock.now());
    }
};

TEST_F(ReclaimerBookTest, TheCheapestGiveFirstAndTheUnpricedAfterThem) {
    put(1, "dear", 100_MiB, 5.0);
    put(2, "unpriced", 100_MiB);
    put(3, "cheap", 100_MiB, 0.1);
    const auto requests = ask(250_MiB);
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[0].order.reclaimer, "cheap");
    EXPECT_EQ(requests[1].order.reclaimer, "dear");
    EXPECT_EQ(requests[2].order.reclaimer, "unpriced");
    EXPECT_EQ(requests[2].order.wanted, 50_MiB) << "no more than is missing";
    EXPECT_EQ(requests[0].order.deadline, Millis(10'000));
}

TEST_F(ReclaimerBookTest, WhatIsUnderWayIsNotAskedForTwice) {
    put(1, "a", 100_MiB, 0.1);
    put(2, "b", 100_MiB, 0.2);
    const auto first = ask(100_MiB);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_TRUE(ask(100_MiB).empty());
    answer(first[0], 60_MiB);
    const auto second = ask(100_MiB);
    ASSERT_EQ(second.size(), 1U) << "40 MiB are still missing";
    EXPECT_EQ(second[0].order.reclaimer, "b");
    EXPECT_EQ(second[0].order.wanted, 40_MiB);
    clock.advance(seconds(2));
    answer(second[0], 40_MiB);
    clock.advance(seconds(3));
    EXPECT_EQ(ask(10_MiB)[0].order.reclaimer, "a") << "after two seconds only the sensors count";
    EXPECT_EQ(book.released(), 100_MiB);
}

TEST_F(ReclaimerBookTest, OneThatDoesNotAnswerIsAskedLast) {
    put(1, "silent", 100_MiB, 0.1);
    put(2, "dear", 100_MiB, 9.0);
    ASSERT_EQ(ask(10_MiB)[0].order.reclaimer, "silent");
    clock.advance(seconds(12));
    ASSERT_EQ(ask(10_MiB)[0].order.reclaimer, "dear");
}

TEST_F(ReclaimerBookTest, WhatCouldNotBeSentIsAskedOfAnother) {
    put(1, "gone", 100_MiB, 0.1);
    const auto lost = ask(100_MiB);
    ASSERT_EQ(lost.size(), 1U);
    put(2, "there", 100_MiB, 0.2);
    EXPECT_TRUE(ask(100_MiB).empty());
    book.withdraw(lost[0]);
    EXPECT_EQ(ask(200_MiB).size(), 2U);
}

TEST_F(ReclaimerBookTest, OneThatHadNothingIsLeftAlone) {
    put(1, "empty", 100_MiB, 0.1);
    answer(ask(10_MiB)[0], 0_B);
    clock.advance(seconds(5));
    EXPECT_TRUE(ask(10_MiB).empty());
    clock.advance(seconds(6));
    EXPECT_EQ(ask(10_MiB).size(), 1U);
}

TEST_F(ReclaimerBookTest, PlacesOfAUserAreLimitedAndRootsAreNot) {
    for (const uid_t user : {kSomebody, uid_t{0}}) {
        for (int i = 0; i < 64; ++i) {
            const auto from = static_cast<ConnectionId>(user + 10 + static_cast<uid_t>(i) / 32);
            ASSERT_TRUE(book.put(from, user, ReclaimerFigures{"c" + std::to_string(i), 1_MiB, {}}));
        }
        EXPECT_EQ(book.put(user + 20, user, ReclaimerFigures{"more", 1_MiB, {}}).has_value(), user == 0);
    }
}

TEST_F(ReclaimerBookTest, ALiarStaysLastUnderANewNameToo) {
    put(1, "liar", 100_MiB, 0.0);
    put(2, "honest", 100_MiB, 9.0);
    answer(ask(10_MiB)[0], 0_B);
    clock.advance(seconds(20));
    const auto request = ask(10_MiB)[0];
    ASSERT_EQ(request.order.reclaimer, "honest");
    answer(request, 10_MiB);
    clock.advance(seconds(20));
    book.lost(1);
    ASSERT_TRUE(book.put(3, kSomebody + 1, ReclaimerFigures{"reborn", 100_MiB, 0.0}));
    EXPECT_EQ(ask(10_MiB)[0].order.reclaimer, "honest");
}

TEST_F(ReclaimerBookTest, ClaimsAreBounded) {
    put(1, "liar", 1_MiB, 0.1);
    answer(ask(1_MiB)[0], Bytes(Bytes::kLimit));
    EXPECT_EQ(book.released(), 1_MiB);
    book.answered(1, "r999", Reclaimed{"liar", 1_GiB}, clock.now());
    book.answered(7, "r1", Reclaimed{"liar", 1_GiB}, clock.now());
    EXPECT_EQ(book.released(), 1_MiB) << "answers that nobody asked for";
}

TEST_F(ReclaimerBookTest, PlacesAreLimitedAndGoWithTheirConnection) {
    for (int i = 0; i < 32; ++i) put(1, "c" + std::to_string(i), 1_MiB);
    const auto refused = book.put(1, kSomebody + 1, ReclaimerFigures{"one-more", 1_MiB, {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    put(1, "c0", 2_MiB);
    for (ConnectionId from = 2; from <= 8; ++from) {
        for (int i = 0; i < 32; ++i) put(from, "c" + std::to_string(i), 1_MiB);
    }
    EXPECT_FALSE(book.put(9, kSomebody + 9, ReclaimerFigures{"late", 1_MiB, {}}));
    EXPECT_EQ(book.releasable(), 257_MiB);
    book.lost(1);
    EXPECT_EQ(book.size(), 224U);
    book.forget(2, "c0");
    EXPECT_EQ(book.size(), 223U);
}

}  // namespace
}  // namespace aerostat::guest
