#include "jvm-agent/decide/balloon_gap.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

BalloonGap gap(Cap cap, Bytes resident) { return {{HeapTarget{500_MiB}, cap}, 500_MiB, 300_MiB, resident, 1_MiB}; }

TEST(BalloonGap, IsAllThatTheTargetDoesNotLeaveUnlessItIsHeldElastically) {
    EXPECT_EQ(gap(Cap::firm, 400_MiB).missing(), 200_MiB);
    EXPECT_EQ(gap(Cap::hard, 400_MiB).missing(), 200_MiB);
    EXPECT_TRUE(gap(Cap::elastic, 400_MiB).missing().is_zero());
    EXPECT_EQ(gap(Cap::elastic, 530_MiB).missing(), 30_MiB);
    EXPECT_EQ(gap(Cap::elastic, 900_MiB).missing(), 200_MiB);
    BalloonGap lifted = gap(Cap::elastic, 900_MiB);
    lifted.held.target.reset();
    lifted.limit = Bytes();
    EXPECT_TRUE(lifted.missing().is_zero());
}

TEST(BalloonGap, WaitsUntilItIsWorthACycleWhileNoMoreThanTheTargetIsResident) {
    EXPECT_EQ(gap(Cap::firm, 500_MiB).least_burst(), 16_MiB);
    EXPECT_EQ(gap(Cap::firm, 501_MiB).least_burst(), 2_MiB);
    EXPECT_EQ(gap(Cap::hard, 500_MiB).least_burst(), 2_MiB);
    BalloonGap small = gap(Cap::firm, 90_MiB);
    small.held.target = HeapTarget{100_MiB};
    EXPECT_EQ(small.least_burst(), 5_MiB);
}

TEST(BalloonGap, IsFilledChunkByChunkInAnOldGeneration) {
    BalloonGap seen = gap(Cap::firm, 500_MiB);
    seen.in_old = true;
    EXPECT_EQ(seen.least_burst(), 1_MiB);
}

}  // namespace
}  // namespace aerostat::agent
