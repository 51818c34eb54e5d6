#include "jvm-agent/decide/cycle_occupancy.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

TEST(CycleOccupancy, BeforeTheFirstCycleItIsWhatIsOccupiedNow) {
    CycleOccupancy seen;
    seen.observe({3, false, 100_MiB});
    seen.observe({3, false, 300_MiB});
    EXPECT_EQ(seen.after_last(), 300_MiB);
}

TEST(CycleOccupancy, FollowsMemoryThatComesFreeAfterACyclesEnd) {
    CycleOccupancy seen;
    seen.observe({3, false, 2_GiB});
    seen.observe({4, true, 2_GiB});
    seen.observe({4, false, 1_GiB});
    seen.observe({4, false, 200_MiB});
    seen.observe({4, false, 900_MiB});  // allocated since
    EXPECT_EQ(seen.after_last(), 200_MiB);
}

TEST(CycleOccupancy, WhatACycleFreesCountsOnlyWhenItIsOver) {
    CycleOccupancy seen;
    seen.observe({3, false, 2_GiB});
    seen.observe({4, true, 2_GiB});
    seen.observe({4, false, 1_GiB});
    seen.observe({5, true, 3_GiB});
    seen.observe({5, true, 500_MiB});
    EXPECT_EQ(seen.after_last(), 1_GiB);
    seen.observe({5, false, 600_MiB});
    EXPECT_EQ(seen.after_last(), 600_MiB);
}

TEST(CycleOccupancy, ACycleBetweenTwoLooksCounts) {
    CycleOccupancy seen;
    seen.observe({3, false, 2_GiB});
    seen.observe({4, false, 300_MiB});
    EXPECT_EQ(seen.after_last(), 300_MiB);
}

TEST(CycleOccupancy, CyclesWithoutABreakLeaveTheLeastThatWasSeen) {
    CycleOccupancy seen;
    seen.observe({3, true, 2_GiB});
    seen.observe({3, true, 400_MiB});
    seen.observe({4, true, 1_GiB});
    EXPECT_EQ(seen.after_last(), 400_MiB);
}

TEST(CycleOccupancy, MoreAliveThanBeforeIsSeenAfterTheNextCycle) {
    CycleOccupancy seen;
    seen.observe({3, false, 1_GiB});
    seen.observe({4, false, 300_MiB});
    seen.observe({5, true, 1_GiB});
    seen.observe({5, false, 700_MiB});
    EXPECT_EQ(seen.after_last(), 700_MiB);
}

// A program that allocates 100 MiB a second and keeps 300 MiB alive; a cycle of a second begins at 700 MiB.
CycleOccupancy after_a_cycle_seen(Duration late) {
    CycleOccupancy seen;
    for (int s = 0; s <= 4; ++s)
        seen.observe({7, false, 300_MiB + 100_MiB * static_cast<std::uint64_t>(s), kStart + s * 1s});
    const TimePoint began = kStart + 4s;
    const TimePoint now = began + 1s + late;
    const auto younger = static_cast<std::uint64_t>(to_seconds(now - began) * 100);
    seen.observe({8, false, 300_MiB + 1_MiB * younger, now, began});
    return seen;
}

TEST(CycleOccupancy, WhatIsYoungerThanTheCycleIsNotTakenForAlive) {
    for (const Duration late : {0ms, 200ms, 900ms}) {
        const CycleOccupancy seen = after_a_cycle_seen(late);
        EXPECT_GE(seen.after_last(), 400_MiB);
        EXPECT_NEAR(seen.alive().as_double(), (300_MiB).as_double(), (3_MiB).as_double()) << late.count();
    }
    EXPECT_NEAR(after_a_cycle_seen(0ms).allocated_in(300ms).as_double(), (30_MiB).as_double(), (1_MiB).as_double());
}

TEST(CycleOccupancy, WhereNobodyTellsWhenCyclesBeginEverythingCountsAsAlive) {
    CycleOccupancy seen;
    seen.observe({7, false, 100_MiB, kStart});
    seen.observe({7, false, 400_MiB, kStart + 1s});
    seen.observe({8, false, 300_MiB, kStart + 2s});
    EXPECT_EQ(seen.alive(), 300_MiB);
}

TEST(CycleOccupancy, AProgramThatHasFallenSilentSinceKeepsHalfAtLeast) {
    CycleOccupancy seen;
    seen.observe({7, false, 100_MiB, kStart});
    seen.observe({7, false, 900_MiB, kStart + 1s});
    seen.observe({8, false, 300_MiB, kStart + 2s, kStart + 1s});
    EXPECT_EQ(seen.alive(), 150_MiB);
}

TEST(CycleOccupancy, AProgramThatAllocatesMoreSinceHasNotLostItsLiveSet) {
    CycleOccupancy seen = after_a_cycle_seen(0ms);
    const Bytes before = seen.alive();
    for (int s = 1; s <= 4; ++s) {
        seen.observe({8, false, 400_MiB + 1_GiB * static_cast<std::uint64_t>(s), kStart + 5s + s * 1s, kStart + 4s});
        EXPECT_EQ(seen.alive(), before);
    }
    EXPECT_GT(seen.allocated_in(1s), 300_MiB) << "the rate has risen";
}

TEST(CycleOccupancy, TheRateIsThatOfTimesWithoutACollection) {
    CycleOccupancy seen;
    seen.observe({7, false, 100_MiB, kStart});
    seen.observe({7, false, 110_MiB, kStart + 1s});
    seen.observe({8, true, 400_MiB, kStart + 2s});
    seen.observe({8, true, 700_MiB, kStart + 3s});
    seen.observe({8, false, 600_MiB, kStart + 4s});
    seen.observe({8, false, 100_MiB, kStart + 5s});  // the rest of what the cycle frees
    EXPECT_EQ(seen.allocated_in(1s), 10_MiB);
}

}  // namespace
}  // namespace aerostat::agent
