#include "guest-balloon/decide/reclaimer_book.h"

#include <gtest/gtest.h>

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ReclaimerBookTest : public ::testing::Test {
protected:
    ManualClock clock;
    ReclaimerBook book;

    static constexpr uid_t kSomebody = 1000;

    // Each connection is another user's.
    void put(ConnectionId from, const std::string& name, Bytes releasable, std::optional<double> price = std::nullopt) {
        ASSERT_TRUE(book.put(from, somebody(from), ReclaimerFigures{name, releasable, price}));
    }
    // And another process.
    static ProcessIdentity somebody(ConnectionId from, uid_t user = 0) {
        return {static_cast<pid_t>(100 + from), 7, user ? user : kSomebody + static_cast<uid_t>(from)};
    }
    std::vector<AskReclaimer> ask(Bytes wanted) { return book.ask(wanted, clock.now() + seconds(10), clock.now()); }
    /// Process 101 is at the other end of connection 1.
    void look(const std::map<pid_t, Bytes>& holds) {
        book.look(
            [&](pid_t process) {
                const auto found = holds.find(process);
                return found == holds.end() ? std::nullopt : std::optional(found->second);
            },
            clock.now());
    }
    Bytes offered() { return book.offers({}).ceiling(); }
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
            ASSERT_TRUE(book.put(from, {1, 7, user}, ReclaimerFigures{"c" + std::to_string(i), 1_MiB, {}}));
        }
        EXPECT_EQ(book.put(user + 20, {1, 7, user}, ReclaimerFigures{"more", 1_MiB, {}}).has_value(), user == 0);
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
    ASSERT_TRUE(book.put(3, somebody(3, kSomebody + 1), ReclaimerFigures{"reborn", 100_MiB, 0.0}));
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
    const auto refused = book.put(1, somebody(1), ReclaimerFigures{"one-more", 1_MiB, {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    put(1, "c0", 2_MiB);
    for (ConnectionId from = 2; from <= 8; ++from) {
        for (int i = 0; i < 32; ++i) put(from, "c" + std::to_string(i), 1_MiB);
    }
    EXPECT_FALSE(book.put(9, somebody(9), ReclaimerFigures{"late", 1_MiB, {}}));
    EXPECT_EQ(book.releasable(), 257_MiB);
    book.lost(1);
    EXPECT_EQ(book.size(), 224U);
    book.forget(2, "c0");
    EXPECT_EQ(book.size(), 223U);
}

TEST_F(ReclaimerBookTest, HalfOfWhatAProcessSaysCountsUntilItWasAskedOnce) {
    put(1, "cache", 100_MiB, 0.5);
    EXPECT_EQ(offered(), 0_B) << "nobody has seen what it holds";
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 50_MiB);
    look({{101, 20_MiB}});
    EXPECT_EQ(offered(), 20_MiB) << "nobody gives more than it holds";
    look({{102, 1_GiB}});
    EXPECT_EQ(offered(), 0_B);
}

TEST_F(ReclaimerBookTest, WhatCameOfItIsWhatCountsNextTime) {
    put(1, "cache", 400_MiB, 0.5);
    look({{101, 1_GiB}});
    answer(ask(100_MiB)[0], 100_MiB);
    look({{101, 924_MiB}});
    EXPECT_EQ(offered(), 150_MiB) << "half of the rest: it may fill again before the sensors have seen it";
    clock.advance(seconds(2));
    look({{101, 964_MiB}});
    EXPECT_EQ(offered(), 300_MiB) << "it gave all it was asked for, and took some back";
}

TEST_F(ReclaimerBookTest, ALiarIsChargedWhatWasMeasured) {
    put(1, "liar", 800_MiB, 0.5);
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 400_MiB);
    answer(ask(100_MiB)[0], 100_MiB);
    put(1, "liar", 800_MiB, 0.5);
    clock.advance(seconds(3));
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 0_B) << "it says that it gave, and holds what it held";
    clock.advance(seconds(12));
    EXPECT_EQ(ask(100_MiB).size(), 1U) << "who is in need asks it all the same";
    book.lost(1);
    look({});
    put(1, "reborn", 800_MiB, 0.5);
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 0_B) << "it left while it still owed an answer";
}

TEST_F(ReclaimerBookTest, LeavingAfterTheAnswerIsNoWayToBeBelievedAgain) {
    for (int round = 0; round < 5; ++round) {
        put(1, "liar", 8_GiB, 0.0);
        look({{101, 4_GiB}});
        EXPECT_EQ(offered(), round == 0 ? 4_GiB : 0_B) << round;
        const auto requests = ask(1_GiB);
        ASSERT_EQ(requests.size(), 1U);
        answer(requests[0], 1_GiB);
        book.lost(1);
        clock.advance(milliseconds(1500));
        look({{101, 4_GiB}});
    }
}

TEST_F(ReclaimerBookTest, ASuccessorWithTheSameMemoryIsNotBelievedEither) {
    put(1, "liar", 8_GiB, 0.0);
    look({{101, 4_GiB}});
    ASSERT_EQ(offered(), 4_GiB);
    answer(ask(1_GiB)[0], 1_GiB);
    look({});  // its memory cannot be seen any more: it is about to end
    book.lost(1);
    ASSERT_TRUE(book.put(2, somebody(2, kSomebody + 1), ReclaimerFigures{"child", 8_GiB, 0.0}));
    look({{102, 4_GiB}});
    EXPECT_EQ(offered(), 0_B);
    clock.advance(std::chrono::minutes(9));
    look({{102, 4_GiB}});
    EXPECT_EQ(offered(), 0_B);
}

TEST_F(ReclaimerBookTest, OneThatGaveBeforeItLeftDoesItsUserNoHarm) {
    put(1, "honest", 1_GiB, 0.5);
    look({{101, 4_GiB}});
    answer(ask(1_GiB)[0], 1_GiB);
    book.lost(1);
    look({{101, 3_GiB}});
    ASSERT_TRUE(book.put(2, somebody(2, kSomebody + 1), ReclaimerFigures{"next", 1_GiB, 0.5}));
    look({{102, 3_GiB}});
    EXPECT_EQ(offered(), 512_MiB);
}

TEST_F(ReclaimerBookTest, ASmallPromiseThatIsKeptBuysNoCredit) {
    put(1, "sly", 4_GiB, 0.0);
    Bytes held = 4_GiB;
    look({{101, held}});
    for (int i = 0; i < 3; ++i) {
        answer(ask(2_MiB)[0], 2_MiB);
        held = saturating_sub(held, 2_MiB);
        clock.advance(seconds(3));
        look({{101, held}});
    }
    EXPECT_LE(offered(), 2_GiB) << "as before it was asked";
    answer(ask(1_GiB)[0], 1_GiB);
    clock.advance(seconds(3));
    look({{101, held}});
    EXPECT_EQ(offered(), 0_B);
    put(1, "sly", 4_GiB, 0.0);
    answer(ask(100_MiB)[0], 100_MiB);
    clock.advance(seconds(3));
    look({{101, saturating_sub(held, 100_MiB)}});
    EXPECT_LT(offered(), 512_MiB) << "a tenth of what was not given";
}

TEST_F(ReclaimerBookTest, OneThatGaveNothingIsTriedAgainLaterWithALittle) {
    put(1, "cache", 800_MiB, 0.5);
    look({{101, 1_GiB}});
    answer(ask(100_MiB)[0], 0_B);
    clock.advance(seconds(3));
    look({{101, 1_GiB}});
    clock.advance(std::chrono::minutes(9));
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 0_B);
    clock.advance(std::chrono::minutes(1));
    look({{101, 1_GiB}});
    EXPECT_EQ(offered(), 25_MiB);
}

TEST_F(ReclaimerBookTest, OneThatDoesNotAnswerIsJudgedByWhatItHolds) {
    put(1, "silent", 800_MiB, 0.5);
    look({{101, 1_GiB}});
    ASSERT_EQ(ask(100_MiB).size(), 1U);
    clock.advance(seconds(11));
    look({{101, 999_MiB}});
    EXPECT_EQ(offered(), 200_MiB) << "a quarter came";
}

TEST_F(ReclaimerBookTest, OffersAreSortedByPriceAndNeverCheaperThanIdleCache) {
    put(1, "free", 100_MiB, 0.0);
    put(2, "unpriced", 100_MiB);
    put(3, "absurd", 100_MiB, 1e300);
    look({{101, 1_GiB}, {102, 1_GiB}, {103, 1_GiB}});
    const CostCurve curve = book.offers({});
    const double gib = static_cast<double>(1ULL << 30U);
    EXPECT_EQ(curve.ceiling(), 150_MiB);
    EXPECT_NEAR(curve.price_of_taking(150_MiB) * gib, 0.1, 0.01);
    EXPECT_NEAR(curve.price_of_taking(100_MiB) * gib, 20, 0.1) << "ten, for half of it";
    EXPECT_NEAR(curve.price_of_taking(50_MiB) * gib, 900, 1);
    EXPECT_EQ(book.offers({101, 102}).ceiling(), 50_MiB) << "of those whose memory is another layer's nothing counts here";
}

TEST_F(ReclaimerBookTest, OfWhomAPartComesMoreIsAsked) {
    put(1, "half", 1_GiB, 0.5);
    look({{101, 4_GiB}});
    answer(ask(100_MiB)[0], 100_MiB);
    clock.advance(seconds(3));
    look({{101, 4046_MiB}});
    EXPECT_EQ(ask(100_MiB)[0].order.wanted, 200_MiB);
    EXPECT_TRUE(ask(100_MiB).empty());
    put(2, "other", 1_GiB, 0.5);
    const auto more = ask(150_MiB);
    ASSERT_EQ(more.size(), 1U) << "half of what is under way will come";
    EXPECT_EQ(more[0].order.wanted, 50_MiB);
}

TEST_F(ReclaimerBookTest, WhatIsUnderWayAtOthersDoesNotHelp) {
    put(1, "in a heap", 100_MiB, 0.1);
    ASSERT_EQ(ask(100_MiB).size(), 1U);
    put(2, "cache", 100_MiB, 0.5);
    const auto asked = book.ask(100_MiB, clock.now() + seconds(10), clock.now(), {101});
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].order.wanted, 100_MiB);
    EXPECT_EQ(book.open_requests({101}), std::vector<std::string>{asked[0].id});
    EXPECT_EQ(book.open_requests().size(), 2U);
    answer(asked[0], 100_MiB);
    EXPECT_TRUE(book.open_requests({101}).empty());
}

}  // namespace
}  // namespace aerostat::guest
