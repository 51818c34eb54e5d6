#include "host-controller/decide/balloon_account.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace host::testing;

const GuestId kGuest = "vm";

LayerOrder order(const std::string& heap, Bytes from, Bytes to) { return {heap, HeapTarget{to}, from}; }

JvmOutcome ended(const std::string& heap, Bytes before, Bytes after, Bytes target) {
    JvmOutcome one;
    one.jvm = heap;
    one.before = before;
    one.after = after;
    one.obtained = saturating_sub(before, after);
    one.asked = saturating_sub(before, target);
    return one;
}

TEST(BalloonAccount, AnUnknownHeapCountsAsTheOrderFindsIt) {
    const BalloonAccount account;
    EXPECT_EQ(account.share(kGuest, {order("a", 300_MiB, 500_MiB)}).give, 200_MiB);
    EXPECT_TRUE(account.share(kGuest, {order("a", 500_MiB, 300_MiB)}).takes);
    EXPECT_EQ(account.due(kGuest, {order("a", 500_MiB, 300_MiB)}, {ended("a", 510_MiB, 310_MiB, 300_MiB)}), 200_MiB);
}

TEST(BalloonAccount, FollowsTargetsAndNotWhatTheHeapDoesBetweenThem) {
    BalloonAccount account;
    const std::vector<LayerOrder> squeeze{order("a", 500_MiB, 300_MiB)};
    const std::vector<JvmOutcome> done{ended("a", 500_MiB, 300_MiB, 300_MiB)};
    account.took(kGuest, squeeze, done, account.due(kGuest, squeeze, done));
    const std::vector<LayerOrder> pushed_back{order("a", 350_MiB, 300_MiB)};
    EXPECT_FALSE(account.share(kGuest, pushed_back).takes);
    EXPECT_EQ(account.due(kGuest, pushed_back, {ended("a", 350_MiB, 300_MiB, 300_MiB)}), Bytes());
    EXPECT_EQ(account.due(kGuest, {order("a", 350_MiB, 280_MiB)}, {ended("a", 350_MiB, 280_MiB, 280_MiB)}), 20_MiB);
}

TEST(BalloonAccount, AHeapThatHeldLessThanWasKnownAndWasToldToComeLowerGivesTheRest) {
    const BalloonAccount account;
    EXPECT_EQ(account.due(kGuest, {order("a", 500_MiB, 300_MiB)}, {ended("a", 280_MiB, 80_MiB, 80_MiB)}), 200_MiB);
}

TEST(BalloonAccount, WhatTheHeapKeptBackIsNotTaken) {
    const BalloonAccount account;
    EXPECT_EQ(account.due(kGuest, {order("a", 500_MiB, 300_MiB)}, {ended("a", 500_MiB, 450_MiB, 300_MiB)}), 50_MiB);
}

TEST(BalloonAccount, WhatTheBalloonCouldNotTakeInTimeIsStillDue) {
    BalloonAccount account;
    const std::vector<LayerOrder> squeeze{order("a", 500_MiB, 300_MiB)};
    const std::vector<JvmOutcome> done{ended("a", 500_MiB, 300_MiB, 300_MiB)};
    account.took(kGuest, squeeze, done, 120_MiB);
    EXPECT_EQ(account.due(kGuest, {order("a", 300_MiB, 300_MiB)}, {ended("a", 300_MiB, 300_MiB, 300_MiB)}), 80_MiB);
}

TEST(BalloonAccount, RoomThatTheHeapNeverUsedComesBack) {
    BalloonAccount account;
    account.gave(kGuest, {order("a", 300_MiB, 500_MiB)}, 200_MiB);
    EXPECT_EQ(account.due(kGuest, {order("a", 320_MiB, 300_MiB)}, {ended("a", 320_MiB, 300_MiB, 300_MiB)}), 200_MiB);
}

TEST(BalloonAccount, WhatOneHeapGivesStaysForTheOtherOneOfTheSameGuest) {
    BalloonAccount account;
    const std::vector<LayerOrder> both{order("a", 500_MiB, 300_MiB), order("b", 100_MiB, 150_MiB)};
    const std::vector<JvmOutcome> done{ended("a", 500_MiB, 300_MiB, 300_MiB)};
    const BalloonShare share = account.share(kGuest, both);
    EXPECT_TRUE(share.takes);
    EXPECT_EQ(share.keeps, 50_MiB);
    EXPECT_EQ(account.due(kGuest, both, done), 150_MiB);
    account.took(kGuest, both, done, 150_MiB);
    EXPECT_EQ(account.due(kGuest, {order("a", 300_MiB, 300_MiB)}, {ended("a", 300_MiB, 300_MiB, 300_MiB)}), Bytes());
    EXPECT_EQ(account.share(kGuest, {order("b", 150_MiB, 170_MiB)}).give, 20_MiB);
}

TEST(BalloonAccount, AGrowingHeapTakesWhatAnotherGivesBeforeTheBalloonHasToGive) {
    BalloonAccount account;
    const std::vector<LayerOrder> both{order("a", 500_MiB, 450_MiB), order("b", 100_MiB, 250_MiB)};
    EXPECT_EQ(account.share(kGuest, both).give, 100_MiB);
    account.gave(kGuest, both, 100_MiB);
    EXPECT_EQ(account.share(kGuest, {order("b", 250_MiB, 260_MiB)}).give, 10_MiB);
    EXPECT_FALSE(account.share(kGuest, {order("a", 470_MiB, 450_MiB)}).takes);
}

TEST(BalloonAccount, AHeapOfWhichNothingIsHeardKeepsItsRoom) {
    BalloonAccount account;
    account.gave(kGuest, {order("b", 200_MiB, 300_MiB)}, 100_MiB);
    const std::vector<LayerOrder> both{order("a", 500_MiB, 300_MiB), order("b", 300_MiB, 250_MiB)};
    JvmOutcome away;
    away.jvm = "b";
    away.reason = EndReason::disconnected;
    EXPECT_EQ(account.due(kGuest, both, {ended("a", 500_MiB, 300_MiB, 300_MiB), away}), 200_MiB);
}

TEST(BalloonAccount, AHeapThatIsBelowItsTargetAlreadyKeepsRoomForIt) {
    BalloonAccount account;
    JvmOutcome below = ended("a", 150_MiB, 150_MiB, 150_MiB);
    below.asked = below.obtained = 150_MiB;  // counted upwards, as agents do for room that is given
    EXPECT_EQ(account.due(kGuest, {order("a", 500_MiB, 300_MiB)}, {below}), Bytes()) << "it gave nothing";
    account.gave(kGuest, {order("a", 200_MiB, 500_MiB)}, 300_MiB);
    EXPECT_EQ(account.due(kGuest, {order("a", 500_MiB, 300_MiB)}, {below}), 200_MiB) << "room it never used";
}

TEST(BalloonAccount, HeapsThatGiveToEachOtherAreBookedWithoutTheBalloon) {
    BalloonAccount account;
    account.gave(kGuest, {order("a", 400_MiB, 500_MiB)}, 100_MiB);
    const std::vector<LayerOrder> swap{order("a", 500_MiB, 450_MiB), order("b", 100_MiB, 150_MiB)};
    EXPECT_EQ(account.share(kGuest, swap).give, Bytes());
    account.gave(kGuest, swap, Bytes());
    EXPECT_EQ(account.due(kGuest, {order("a", 470_MiB, 450_MiB)}, {ended("a", 470_MiB, 450_MiB, 450_MiB)}), Bytes());
    EXPECT_EQ(account.share(kGuest, {order("b", 150_MiB, 160_MiB)}).give, 10_MiB);
}

TEST(BalloonAccount, TheBalloonStaysWhereNothingHoldsAHeapThatIsNamed) {
    GuestSeen guest = a_guest("shop", {a_heap("firm", 400_MiB, 100_MiB, 1_GiB), a_heap("loose", 400_MiB, 100_MiB, 1_GiB)});
    guest.layers[1].can_hold = false;
    EXPECT_EQ(why_balloon_stays(guest, {order("firm", 400_MiB, 300_MiB)}), "");
    EXPECT_NE(why_balloon_stays(guest, {order("loose", 400_MiB, 300_MiB)}).find("nothing holds loose"), std::string::npos);
}

TEST(BalloonAccount, HelpCountsForTheHeapThatGotItAndAnEmptyBalloonForNothing) {
    BalloonAccount account;
    const std::vector<LayerOrder> squeeze{order("a", 500_MiB, 300_MiB)};
    account.took(kGuest, squeeze, {ended("a", 500_MiB, 300_MiB, 300_MiB)}, 200_MiB);
    account.helped({kGuest, "a"}, 60_MiB);
    account.helped({kGuest, ""}, 60_MiB);
    EXPECT_EQ(account.due(kGuest, {order("a", 350_MiB, 300_MiB)}, {ended("a", 350_MiB, 300_MiB, 300_MiB)}), 60_MiB);
    account.forget(kGuest);
    EXPECT_EQ(account.due(kGuest, {order("a", 350_MiB, 340_MiB)}, {ended("a", 350_MiB, 340_MiB, 340_MiB)}), 10_MiB);
}

}  // namespace
}  // namespace aerostat::host
