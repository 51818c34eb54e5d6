#include "host-controller/decide/balloon_watch.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;

const GuestId kGuest = "domain:one";

TEST(BalloonWatch, WhatOurOwnOrdersExplainIsNoForeignHand) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart)) << "whatever is found first";
    watch.ordered(kGuest, 900_MiB, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 960_MiB, kStart + 100ms)) << "on its way";
    EXPECT_FALSE(watch.saw(kGuest, 900_MiB, kStart + 1s));
    watch.ordered(kGuest, 800_MiB, kStart + 1s);
    EXPECT_FALSE(watch.saw(kGuest, 800_MiB, kStart + 2s));
    EXPECT_FALSE(watch.saw(kGuest, 800_MiB, kStart + 1min)) << "and at rest";
    watch.ordered(kGuest, 1_GiB, kStart + 1min);
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 1min + 1s));
    EXPECT_EQ(watch.yields(kGuest, kStart + 1min + 1s), "");
}

TEST(BalloonWatch, AGuestThatHasLessWithoutAnOrderWasSetByAnother) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    const auto move = watch.saw(kGuest, 700_MiB, kStart + 5s);
    ASSERT_TRUE(move);
    EXPECT_TRUE(move->took());
    EXPECT_EQ(move->from, 1_GiB);
    EXPECT_NE(watch.yields(kGuest, kStart + 6s).find("somebody else"), std::string::npos);
    EXPECT_FALSE(watch.saw(kGuest, 700_MiB, kStart + 7s)) << "said once";
    EXPECT_EQ(watch.yields(kGuest, kStart + 5s + kYieldsFor), "") << "not for ever";
}

TEST(BalloonWatch, GoingOnBelowOurOrderIsAnothersDoing) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    watch.ordered(kGuest, 900_MiB, kStart);
    EXPECT_TRUE(watch.saw(kGuest, 600_MiB, kStart + 1s));
}

TEST(BalloonWatch, AGuestThatTookItsPagesBackIsLeftAloneToo) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart));
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart + 1s));
    const auto move = watch.saw(kGuest, 600_MiB, kStart + 5s);
    ASSERT_TRUE(move);
    EXPECT_FALSE(move->took());
    EXPECT_NE(watch.yields(kGuest, kStart + 6s).find("in need"), std::string::npos);
}

TEST(BalloonWatch, TheLastStepOfADaemonThatDiedIsNoForeignHand) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    EXPECT_FALSE(watch.saw(kGuest, 896_MiB, kStart + 2s));
    EXPECT_FALSE(watch.saw(kGuest, 896_MiB, kStart + 1min));
    EXPECT_TRUE(watch.saw(kGuest, 800_MiB, kStart + 2min)) << "but only the first";
}

TEST(BalloonWatch, AnOrderNoLongerExplainsAfterAWhile) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    watch.ordered(kGuest, 900_MiB, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 900_MiB, kStart + 1s));
    EXPECT_TRUE(watch.saw(kGuest, 1_GiB, kStart + 1min)) << "though it was ours a minute ago";
}

TEST(BalloonWatch, ADomainThatComesDownToWhatItsDefinitionLeavesItIsNoForeignHand) {
    BalloonWatch watch;
    watch.appeared(kGuest, 1_GiB, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 1s)) << "all its RAM, before its driver is there";
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 1min)) << "a slow boot";
    EXPECT_FALSE(watch.saw(kGuest, 2_GiB, kStart + 70s));
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 80s));
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 10min)) << "and at rest";
    EXPECT_TRUE(watch.saw(kGuest, 700_MiB, kStart + 11min)) << "less was ordered by nobody here";
}

TEST(BalloonWatch, BelowItsDefinitionOrLongAfterItsStartAnotherHandIsSeen) {
    BalloonWatch watch;
    watch.appeared(kGuest, 1_GiB, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 1s));
    EXPECT_TRUE(watch.saw(kGuest, 900_MiB, kStart + 2s)) << "less than it was to have";
    watch.appeared(kGuest, 1_GiB, kStart + 1min);
    EXPECT_EQ(watch.yields(kGuest, kStart + 1min), "") << "another run of it";
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 1min));
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 7min));
    EXPECT_TRUE(watch.saw(kGuest, 1_GiB, kStart + 8min));
    watch.appeared(kGuest, 4_GiB, kStart + 20min);
    EXPECT_FALSE(watch.saw(kGuest, 4_GiB, kStart + 20min));
    EXPECT_TRUE(watch.saw(kGuest, 2_GiB, kStart + 20min + 1s)) << "nothing tells it to come down";
}

TEST(BalloonWatch, ManySmallStepsAreSeenAsOne) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    bool seen = false;
    for (int i = 1; i <= 10; ++i) {
        const Bytes actual = saturating_sub(1_GiB, Bytes(static_cast<std::uint64_t>(i) << 22U));
        seen = seen || watch.saw(kGuest, actual, kStart + std::chrono::minutes(i));
    }
    EXPECT_TRUE(seen);
}

TEST(BalloonWatch, ARebootIsNoForeignHand) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    watch.ordered(kGuest, 512_MiB, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart + 2s));
    watch.rebooted(kGuest, kStart + 1min);
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart + 1min + 20s)) << "no driver yet";
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 1min + 21s)) << "the driver begins with an empty balloon";
    watch.ordered(kGuest, 900_MiB, kStart + 1min + 21s);
    EXPECT_FALSE(watch.saw(kGuest, 700_MiB, kStart + 1min + 40s));
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart + 1min + 41s)) << "and comes to what was ordered before";
    EXPECT_EQ(watch.yields(kGuest, kStart + 1min + 41s), "");
    EXPECT_TRUE(watch.saw(kGuest, 300_MiB, kStart + 1min + 42s)) << "but nobody of us has ordered that";
}

TEST(BalloonWatch, ARebootIsOverAfterAWhileAndEndsNoYielding) {
    BalloonWatch watch;
    watch.rebooted(kGuest, kStart);
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 1s)) << "whatever is found first";
    EXPECT_TRUE(watch.saw(kGuest, 512_MiB, kStart + 1min));
    watch.rebooted(kGuest, kStart + 2min);
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart + 2min + 5s));
    EXPECT_FALSE(watch.saw(kGuest, 512_MiB, kStart + 2min + 9s));
    EXPECT_NE(watch.yields(kGuest, kStart + 3min), "") << "what the other has set is still set";
    EXPECT_TRUE(watch.saw(kGuest, 1_GiB, kStart + 8min));
}

TEST(BalloonWatch, MemoryThatIsPluggedInOrTakenOutIsNoForeignHand) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    watch.refitted(kGuest, kStart + 1min);
    EXPECT_FALSE(watch.saw(kGuest, 3_GiB, kStart + 1min + 1s));
    watch.refitted(kGuest, kStart + 2min);
    EXPECT_FALSE(watch.saw(kGuest, 2_GiB, kStart + 2min + 1s));
    EXPECT_TRUE(watch.saw(kGuest, 1_GiB, kStart + 3min)) << "that explains it for a moment only";
}

TEST(BalloonWatch, OnlyWhoWasToldToGiveObeysAnother) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.obeys_another(kGuest, kStart));
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    EXPECT_TRUE(watch.saw(kGuest, 700_MiB, kStart + 5s));
    EXPECT_TRUE(watch.obeys_another(kGuest, kStart + 6s));
    EXPECT_FALSE(watch.obeys_another(kGuest, kStart + 5s + kYieldsFor));
    watch.ordered(kGuest, 700_MiB, kStart + 7s);
    EXPECT_FALSE(watch.obeys_another(kGuest, kStart + 8s)) << "an operator's squeeze; its end must not leave that in force";
    EXPECT_TRUE(watch.saw(kGuest, 900_MiB, kStart + 20s));
    EXPECT_FALSE(watch.obeys_another(kGuest, kStart + 21s)) << "it may have been in need, with our order still in force";
}

TEST(BalloonWatch, AnOperatorTakesTheGuestBack) {
    BalloonWatch watch;
    EXPECT_FALSE(watch.saw(kGuest, 1_GiB, kStart));
    EXPECT_TRUE(watch.saw(kGuest, 700_MiB, kStart + 5s));
    watch.take_back(kGuest);
    EXPECT_EQ(watch.yields(kGuest, kStart + 6s), "");
    EXPECT_TRUE(watch.saw(kGuest, 800_MiB, kStart + 7s)) << "the next foreign move counts again";
    watch.forget(kGuest);
    EXPECT_FALSE(watch.saw(kGuest, 300_MiB, kStart + 8s));
}

}  // namespace
}  // namespace aerostat::host
