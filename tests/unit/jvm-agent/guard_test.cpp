#include <gtest/gtest.h>

#include "jvm-agent/decide/guard.h"

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

class GuardTest : public testing::Test {
protected:
    GuardTest() {
        seen.heap.max = 4_GiB;
        seen.heap.region = 2_MiB;
        seen.heap.full_gcs = 0;
        seen.application = 128_MiB;
        EXPECT_EQ(judge().release, 0_B);
        seen.balloon = 2_GiB;
        EXPECT_EQ(judge().release, 0_B);
    }
    GuardVerdict judge() {
        clock.advance(100ms);
        return guard.judge(seen, clock.now());
    }
    GuardVerdict after_young_gc(Bytes application) {
        ++seen.heap.young_gcs;
        seen.application = application;
        return judge();
    }

    Guard guard;
    GuardSight seen;
    ManualClock clock;
};

TEST_F(GuardTest, IsQuietWhileTheProgramHasRoom) {
    for (int i = 0; i < 100; ++i) EXPECT_EQ(after_young_gc(128_MiB).release, 0_B);
    EXPECT_TRUE(guard.may_inflate(clock.now()));
}

TEST_F(GuardTest, LetsGoOfAllAfterAFullCollection) {
    seen.heap.full_gcs = 1;
    const GuardVerdict verdict = judge();
    EXPECT_EQ(verdict.release, seen.balloon);
    EXPECT_EQ(verdict.distress, "full-gc");
    EXPECT_FALSE(guard.may_inflate(clock.now()));
}

TEST_F(GuardTest, CallsNoBalloonBearableThatItWouldLetGo) {
    for (const Bytes application : {128_MiB, 1000_MiB, 2600_MiB, 3900_MiB}) {
        Guard fresh;
        GuardSight sight = seen;
        sight.application = application;
        sight.balloon = Bytes();
        EXPECT_EQ(fresh.judge(sight, clock.now()).release, 0_B);
        sight.balloon = fresh.bearable(sight.heap, application);
        ++sight.heap.young_gcs;
        EXPECT_EQ(fresh.judge(sight, clock.now()).release, 0_B) << application.count();
    }
    EXPECT_EQ(guard.bearable(seen.heap, 3900_MiB), 0_B);
    EXPECT_GT(guard.bearable(seen.heap, 1000_MiB), 2_GiB);
}

TEST_F(GuardTest, DoesNotBlameASlightBalloonForABusyCollectorOrATightHeap) {
    seen.gc.now = 1.5;
    seen.balloon = 2_MiB;
    EXPECT_EQ(judge().release, 0_B);
    seen.balloon = 1_GiB;
    EXPECT_EQ(judge().distress, "gc-cpu");
    seen.gc.now = 0;
    seen.balloon = 2_MiB;
    EXPECT_EQ(after_young_gc(3900_MiB).release, 0_B);
}

TEST_F(GuardTest, LetsGoOfAllWhenTheCollectorTookChunks) {
    seen.cleared_chunks = 1;
    EXPECT_EQ(judge().release, seen.balloon);
}

TEST_F(GuardTest, GivesEnoughInOneStepWhenOccupancyIsHigh) {
    const Bytes application = 1800_MiB;  // of the 2 GiB that are left
    for (int i = 0; i < 8; ++i) {        // growth fades: only the level counts
        const GuardVerdict verdict = after_young_gc(application);
        if (i > 0) continue;
        ASSERT_GT(verdict.release, 0_B);
        const Bytes left = saturating_sub(seen.heap.max, saturating_sub(seen.balloon, verdict.release));
        EXPECT_LT(application.as_double(), 0.75 * left.as_double());
    }
}

TEST_F(GuardTest, SeesAGrowingProgramBeforeItIsFull) {
    after_young_gc(900_MiB);
    const GuardVerdict verdict = after_young_gc(1300_MiB);  // 400 MiB a collection: two more would not fit
    EXPECT_GT(verdict.release, 0_B);
}

TEST_F(GuardTest, LearnsNoGrowthFromCollectionsThatWeAskedFor) {
    seen.cycles_are_ours = seen.heap.was_periodic = true;
    after_young_gc(900_MiB);
    EXPECT_EQ(after_young_gc(1300_MiB).release, 0_B);
    seen.cycles_are_ours = false;
    EXPECT_EQ(after_young_gc(1310_MiB).release, 0_B) << "10 MiB a collection";
    EXPECT_GT(after_young_gc(1450_MiB).release, 0_B) << "periodic ones of the program's own count";
}

/// One that the collector keeps at 512 MiB.
class HeldHeap : public GuardTest {
protected:
    HeldHeap() {
        seen.balloon = 0_B;
        seen.held_at = 512_MiB;
        seen.alive = 200_MiB;
        EXPECT_EQ(judge().release, 0_B);
    }
};

TEST_F(HeldHeap, MayBeFullAndCollectMuch) {
    seen.gc = {1.9, 0.1};
    for (int i = 0; i < 20; ++i) EXPECT_EQ(after_young_gc(300_MiB + 10_MiB * static_cast<std::uint64_t>(i)).release, 0_B);
    EXPECT_TRUE(guard.may_inflate(clock.now()));
}

TEST_F(HeldHeap, IsInDistressOnceItIsFullOfWhatIsAlive) {
    seen.alive = 450_MiB;
    const GuardVerdict verdict = judge();
    EXPECT_EQ(verdict.distress, "occupancy");
    EXPECT_GE(verdict.release, 200_MiB) << "what it needs, though there are no chunks";
    EXPECT_FALSE(guard.may_inflate(clock.now()));
}

TEST_F(HeldHeap, IsInDistressAfterAFullCollectionAndWhenCyclesRunBackToBack) {
    ++*seen.heap.full_gcs;
    const GuardVerdict full = judge();
    EXPECT_EQ(full.distress, "full-gc");
    EXPECT_EQ(full.release, 128_MiB);
    for (int i = 0; i < 20 && guard.releases() < 2; ++i) {
        seen.heap.cycle_pauses += 2;
        judge();
    }
    EXPECT_EQ(guard.releases(), 2U);
}

TEST_F(HeldHeap, WithChunksIsJudgedAsAnyOther) {
    seen.balloon = 2_GiB;
    seen.held_at = 3_GiB;
    EXPECT_GT(after_young_gc(1900_MiB).release, 0_B);
}

TEST_F(GuardTest, GivesTwiceAsMuchWhenDistressRepeats) {
    const Bytes first = after_young_gc(1750_MiB).release;
    ASSERT_GT(first, 0_B);
    seen.balloon = saturating_sub(seen.balloon, first);
    const Bytes left = saturating_sub(seen.heap.max, seen.balloon);
    const Bytes second = after_young_gc(share_of(left, 0.9)).release;
    EXPECT_GE(second, std::min(first * 2, seen.balloon));
}

TEST_F(GuardTest, BacksOffLongerEachTime) {
    seen.heap.full_gcs = 1;
    judge();
    const Duration first = guard.wait(clock.now());
    clock.advance(first);
    seen.heap.full_gcs = 2;
    judge();
    EXPECT_GT(guard.wait(clock.now()), first);
    EXPECT_LE(guard.wait(clock.now()), 5min);
}

TEST_F(GuardTest, BlamesTheBalloonForGcLoadFarAboveTheUsual) {
    seen.gc = {1.2, 0.1};
    EXPECT_GT(judge().release, 0_B);
}

TEST_F(GuardTest, DoesNotBlameTheBalloonForCyclesThatWeDrive) {
    seen.gc = {1.2, 0.1};
    seen.cycles_are_ours = true;
    seen.heap.cycle_pauses = 100;
    EXPECT_EQ(judge().release, 0_B);
}

TEST_F(GuardTest, SeesBackToBackCycles) {
    bool released = false;
    for (int i = 0; i < 20 && !released; ++i) {
        seen.heap.cycle_pauses += 2;
        released = !judge().release.is_zero();
    }
    EXPECT_TRUE(released);
}

TEST_F(GuardTest, HasNothingToSayWithoutABalloon) {
    seen.balloon = 0_B;
    seen.heap.full_gcs = 5;
    seen.application = 4_GiB;
    EXPECT_TRUE(judge().distress.empty());
}

GuardSight of_cycles() {
    GuardSight seen;
    seen.heap = four_gib();
    seen.heap.kind = CollectionKind::whole_heap_cycles;
    seen.heap.collecting = false;
    seen.balloon = 2_GiB;
    seen.application = 400_MiB;
    return seen;
}

TEST(Guard, WhatIsAllocatedDuringConcurrentCyclesIsNoGrowth) {
    Guard guard;
    GuardSight seen = of_cycles();
    TimePoint now{std::chrono::hours(1)};
    for (int cycle = 0; cycle < 40; ++cycle) {
        ++seen.heap.young_gcs;
        seen.application = cycle % 2 == 0 ? 400_MiB : 900_MiB;
        now += std::chrono::seconds(1);
        EXPECT_TRUE(guard.judge(seen, now).distress.empty()) << cycle;
    }
}

TEST(Guard, GrowthBehindConcurrentCyclesGetsRoomInTime) {
    Guard guard;
    GuardSight seen = of_cycles();
    TimePoint now{std::chrono::hours(1)};
    Bytes live = 400_MiB;
    for (int cycle = 0; cycle < 40 && guard.releases() == 0; ++cycle) {
        ++seen.heap.young_gcs;
        live += 50_MiB;
        seen.application = live + (cycle % 2 == 0 ? 0_MiB : 300_MiB);
        now += std::chrono::seconds(1);
        static_cast<void>(guard.judge(seen, now));
    }
    EXPECT_EQ(guard.releases(), 1U);
    EXPECT_LT(live, 1600_MiB) << "well before the 2 GiB that the balloon leaves";
}

}  // namespace
}  // namespace aerostat::agent
