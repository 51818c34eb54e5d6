#include "jvm-agent/decide/cycle_occupancy.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

TEST(CycleOccupancy, BeforeTheFirstCycleItIsWhatIsOccupiedNow) {
    CycleOccupancy seen;
    seen.observe(3, false, 100_MiB);
    seen.observe(3, false, 300_MiB);
    EXPECT_EQ(seen.after_last(), 300_MiB);
}

TEST(CycleOccupancy, FollowsMemoryThatComesFreeAfterACyclesEnd) {
    CycleOccupancy seen;
    seen.observe(3, false, 2_GiB);
    seen.observe(4, true, 2_GiB);
    seen.observe(4, false, 1_GiB);
    seen.observe(4, false, 200_MiB);
    seen.observe(4, false, 900_MiB);  // allocated since
    EXPECT_EQ(seen.after_last(), 200_MiB);
}

TEST(CycleOccupancy, WhatACycleFreesCountsOnlyWhenItIsOver) {
    CycleOccupancy seen;
    seen.observe(3, false, 2_GiB);
    seen.observe(4, true, 2_GiB);
    seen.observe(4, false, 1_GiB);
    seen.observe(5, true, 3_GiB);
    seen.observe(5, true, 500_MiB);
    EXPECT_EQ(seen.after_last(), 1_GiB);
    seen.observe(5, false, 600_MiB);
    EXPECT_EQ(seen.after_last(), 600_MiB);
}

TEST(CycleOccupancy, ACycleBetweenTwoLooksCounts) {
    CycleOccupancy seen;
    seen.observe(3, false, 2_GiB);
    seen.observe(4, false, 300_MiB);
    EXPECT_EQ(seen.after_last(), 300_MiB);
}

TEST(CycleOccupancy, CyclesWithoutABreakLeaveTheLeastThatWasSeen) {
    CycleOccupancy seen;
    seen.observe(3, true, 2_GiB);
    seen.observe(3, true, 400_MiB);
    seen.observe(4, true, 1_GiB);
    EXPECT_EQ(seen.after_last(), 400_MiB);
}

TEST(CycleOccupancy, MoreAliveThanBeforeIsSeenAfterTheNextCycle) {
    CycleOccupancy seen;
    seen.observe(3, false, 1_GiB);
    seen.observe(4, false, 300_MiB);
    seen.observe(5, true, 1_GiB);
    seen.observe(5, false, 700_MiB);
    EXPECT_EQ(seen.after_last(), 700_MiB);
}

}  // namespace
}  // namespace aerostat::agent
