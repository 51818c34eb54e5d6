#include "host-controller/decide/reservations.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;

ReservationWish wish(Bytes bytes, GuestId guest = {}) {
    ReservationWish wanted;
    wanted.bytes = bytes;
    wanted.guest = std::move(guest);
    return wanted;
}

class ReservationsTest : public ::testing::Test {
protected:
    std::vector<ReservationVerdict> review(Bytes held, TimePoint now = kStart, Bytes short_by = {},
                                           const std::string& cannot_squeeze = {}) {
        return reservations_.review({seen_, 4_GiB, held, short_by, cannot_squeeze}, now);
    }
    std::string open(const ReservationWish& wanted) { return reservations_.open(wanted, kStart).value_or("none"); }

    std::vector<ReservationVerdict> review_blindly(TimePoint now) {
        return reservations_.review(
            {seen_, 4_GiB, 0_B, 5_GiB, "mode is advise", EndReason::unsupported, "who is there is not known"}, now);
    }

    Reservations reservations_;
    HostSnapshot seen_;
};

TEST_F(ReservationsTest, IsGrantedOnceWhenItsMemoryIsVerifiedFree) {
    const std::string id = open(wish(1_GiB));
    EXPECT_EQ(reservations_.outstanding(), 1_GiB) << "taken off the budget while others are squeezed for it";
    EXPECT_TRUE(review(3_GiB + 1_MiB).empty());
    const auto verdicts = review(3_GiB, kStart + 2s);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_TRUE(verdicts[0].granted());
    EXPECT_EQ(verdicts[0].reservation.id, id);
    EXPECT_TRUE(review(3_GiB, kStart + 3s).empty()) << "said once";
    EXPECT_EQ(reservations_.outstanding(), 1_GiB);
}

TEST_F(ReservationsTest, IsNeitherGrantedNorRefusedBeforeItsDeadlineWhileNobodyKnowsWhatGuestsHold) {
    open(wish(1_GiB));
    EXPECT_TRUE(review_blindly(kStart).empty());
    EXPECT_TRUE(review_blindly(kStart + 4s).empty());
    const auto verdicts = review_blindly(kStart + 5s);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].reason, EndReason::deadline);
    EXPECT_EQ(verdicts[0].shortfall, 1_GiB);
    EXPECT_NE(verdicts[0].detail.find("who is there is not known"), std::string::npos);
    open(wish(1_GiB));
    EXPECT_TRUE(review_blindly(kStart + 1s).empty());
    EXPECT_EQ(review(3584_MiB, kStart + 2s, 100_MiB).at(0).reason, EndReason::floor) << "weighed as soon as that is known";
}

TEST_F(ReservationsTest, DoesNotExpireWhileItsGuestMayBeThereUnseen) {
    open(wish(1_GiB));
    ASSERT_TRUE(review(0_B).at(0).granted());
    EXPECT_TRUE(reservations_.review({seen_, 4_GiB, 0_B, 0_B, {}, EndReason::unsupported, {}, true}, kStart + 2min).empty());
    EXPECT_EQ(reservations_.outstanding(), 1_GiB) << "a listing is owed";
    EXPECT_TRUE(review_blindly(kStart + 2min).empty());
    EXPECT_EQ(reservations_.outstanding(), 1_GiB) << "it has not been measured";
    EXPECT_TRUE(review(0_B, kStart + 2min).empty());
    EXPECT_TRUE(reservations_.all().empty());
}

TEST_F(ReservationsTest, IsRefusedAtItsDeadlineWithWhatIsMissing) {
    open(wish(1_GiB));
    EXPECT_TRUE(review(3584_MiB, kStart + 4s).empty());
    const auto verdicts = review(3584_MiB, kStart + 5s);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].reason, EndReason::deadline);
    EXPECT_EQ(verdicts[0].shortfall, 512_MiB);
    EXPECT_TRUE(reservations_.outstanding().is_zero()) << "nothing is taken off afterwards";
}

TEST_F(ReservationsTest, NobodyIsSqueezedForWhatCannotFit) {
    open(wish(5_GiB));
    EXPECT_EQ(review(0_B).at(0).reason, EndReason::floor);
    open(wish(1_GiB));
    EXPECT_EQ(review(3584_MiB, kStart, 100_MiB).at(0).reason, EndReason::floor) << "the others' floors are in the way";
    open(wish(1_GiB));
    const auto verdicts = review(3584_MiB, kStart, {}, "mode is advise");
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_NE(verdicts[0].detail.find("mode is advise"), std::string::npos);
    EXPECT_TRUE(reservations_.all().empty());
}

TEST_F(ReservationsTest, IsNotGivenUpForWhatFloorsSeemToBeWhileMemoryMoves) {
    open(wish(1_GiB));
    EXPECT_TRUE(review(3584_MiB, kStart).empty());
    EXPECT_TRUE(review(3584_MiB, kStart + 1s, 100_MiB).empty()) << "others are being squeezed for it";
    EXPECT_TRUE(review(3_GiB, kStart + 2s).at(0).granted());
}

TEST_F(ReservationsTest, IsWeighedOnlyWhenGuestsKnownFromBeforeARestartAreBack) {
    seen_.settling = true;
    open(wish(1_GiB));
    EXPECT_TRUE(review(3584_MiB, kStart, 512_MiB).empty()) << "nobody has told yet what there is to give";
    seen_.settling = false;
    EXPECT_EQ(review(3584_MiB, kStart + 1s, 512_MiB).at(0).reason, EndReason::floor);
}

TEST_F(ReservationsTest, TheSameMemoryIsNotPromisedTwice) {
    open(wish(1_GiB));
    open(wish(1_GiB));
    ASSERT_EQ(review(2560_MiB).size(), 1U);
    EXPECT_EQ(reservations_.all().size(), 2U);
    EXPECT_EQ(review(2560_MiB, kStart + 5s).at(0).shortfall, 512_MiB);
}

TEST_F(ReservationsTest, EndsAsItsGuestArrivesByAsMuchAsItHolds) {
    open(wish(1_GiB, "session:new"));
    ASSERT_TRUE(review(2_GiB).at(0).granted());
    seen_.guests.push_back(a_guest("new", {}, 600_MiB));
    EXPECT_TRUE(review(2600_MiB, kStart + 10s).empty());
    EXPECT_EQ(reservations_.outstanding(), 424_MiB);
    seen_.guests[0].charged = 1100_MiB;
    EXPECT_TRUE(review(3_GiB, kStart + 20s).empty());
    EXPECT_TRUE(reservations_.all().empty());
}

TEST_F(ReservationsTest, EndsByReleaseByExpiryAndByItsGuest) {
    const std::string id = open(wish(1_GiB));
    ASSERT_TRUE(review(2_GiB).at(0).granted());
    EXPECT_TRUE(reservations_.knows(id));
    ASSERT_TRUE(reservations_.release(id, {}));
    EXPECT_EQ(reservations_.release(id, {}).error().code, ErrorCode::not_found);
    open(wish(1_GiB));
    ASSERT_TRUE(review(2_GiB).at(0).granted());
    EXPECT_TRUE(review(2_GiB, kStart + 59s).empty());
    EXPECT_EQ(reservations_.all().size(), 1U);
    EXPECT_TRUE(review(2_GiB, kStart + 60s).empty());
    EXPECT_TRUE(reservations_.all().empty());
    open(wish(5_GiB, "session:new"));
    const auto ended = reservations_.release({}, "session:new");
    ASSERT_TRUE(ended);
    ASSERT_EQ(ended->size(), 1U) << "whoever waits for it is told";
    EXPECT_EQ(ended->at(0).reason, EndReason::cancelled);
}

TEST_F(ReservationsTest, AreBounded) {
    EXPECT_EQ(reservations_.open(wish({}), kStart).error().code, ErrorCode::bad_value);
    ReservationWish endless = wish(1_GiB);
    endless.deadline = 2h;
    EXPECT_EQ(reservations_.open(endless, kStart).error().code, ErrorCode::bad_value);
    endless.deadline = 1s;
    endless.hold = 48h;
    EXPECT_EQ(reservations_.open(endless, kStart).error().code, ErrorCode::bad_value);
    for (std::size_t i = 0; i < Reservations::kMost; ++i) ASSERT_TRUE(reservations_.open(wish(1_MiB), kStart));
    EXPECT_EQ(reservations_.open(wish(1_MiB), kStart).error().code, ErrorCode::busy);
}

TEST_F(ReservationsTest, AHookIsWaitedForUntilItsVerdict) {
    ReservationWish wanted = wish(1_GiB);
    wanted.hook = true;
    open(wanted);
    EXPECT_TRUE(reservations_.hook_waits());
    ASSERT_TRUE(review(2_GiB).at(0).granted());
    EXPECT_FALSE(reservations_.hook_waits());
}

TEST_F(ReservationsTest, ARefusalNamesWhoCountsWithAllThatItMayHold) {
    open(wish(1_GiB));
    ReservationSight sight{seen_, 4_GiB, 3584_MiB, 0_B, "mode is advise"};
    sight.counted_at_most = "web-3 cannot be measured and counts with all it may hold, 2 GiB";
    const auto verdicts = reservations_.review(sight, kStart);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_NE(verdicts[0].detail.find("web-3 cannot be measured"), std::string::npos) << verdicts[0].detail;
}

}  // namespace
}  // namespace aerostat::host
