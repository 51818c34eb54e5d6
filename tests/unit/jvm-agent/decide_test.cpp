#include <gtest/gtest.h>

#include "jvm-agent/decide/pacing.h"
#include "jvm-agent/decide/shrink_plan.h"
#include "jvm-agent/decide/sizing.h"
#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

TEST(Sizing, LeavesAMarginThatNoAllocationCanMiss) {
    const HeapFacts heap = four_gib();
    EXPECT_GE(allocation_margin(heap), share_of(heap.max, 0.05));
    EXPECT_LE(room_for_chunks(heap) + heap.used + allocation_margin(heap), heap.max);
    EXPECT_EQ(room_for_chunks(heap).count() % heap.region.count(), 0U);
}

TEST(Sizing, FindsNoRoomInAFullHeap) {
    HeapFacts heap = four_gib();
    heap.used = 4_GiB;
    EXPECT_EQ(room_for_chunks(heap), 0_B);
    heap.used = 1_GiB;
    heap.used_after_gc = 4_GiB;
    EXPECT_EQ(room_for_chunks(heap), 0_B);
}

TEST(Sizing, SmallHeapsKeepTwoRegionsAtLeast) {
    HeapFacts heap = four_gib();
    heap.max = 16_MiB;
    heap.region = 1_MiB;
    EXPECT_EQ(allocation_margin(heap), 2_MiB);
}

TEST(Sizing, TheFloorIsLowUntilTheLiveSetIsKnown) {
    const HeapFacts heap = four_gib();
    EXPECT_LT(floor_for(heap, std::nullopt), 64_MiB);
    EXPECT_GT(floor_for(heap, 1_GiB), 1_GiB);
    EXPECT_LE(floor_for(heap, 8_GiB), heap.max);
}

TEST(Sizing, TheBalloonNeverTakesWhatTheTargetOrTheProgramNeeds) {
    const HeapFacts heap = four_gib();
    for (const Bytes target : {0_B, 256_MiB, 1_GiB, 3_GiB, 4_GiB}) {
        for (const Bytes application : {0_B, 128_MiB, 1_GiB, 3_GiB}) {
            const Bytes limit = balloon_limit(heap, {target}, application, application);
            EXPECT_LE(limit + target, heap.max);
            EXPECT_LE(limit + application, heap.max);
            EXPECT_LE(limit + application, share_of(heap.max, 0.86));
        }
    }
}

TEST(Sizing, WithTheBalloonNoMoreIsUsedThanWhatAlarmsTheProgram) {
    HeapFacts heap = four_gib();
    heap.alarm = 2_GiB;
    EXPECT_LE(room_for_chunks(heap) + heap.used + allocation_margin(heap), heap.alarm);
    for (const Bytes application : {0_B, 128_MiB, 1_GiB, 3_GiB}) {
        const Bytes limit = balloon_limit(heap, {128_MiB}, application, application);
        EXPECT_LE(limit + application, std::max(heap.alarm, application));
    }
    heap.used = heap.alarm;
    EXPECT_EQ(room_for_chunks(heap), 0_B);
    heap.alarm = 8_GiB;
    EXPECT_EQ(usable(heap), heap.max) << "one that can never go off";
}

TEST(WorkBudget, AllowsItsShareAndNoMore) {
    WorkBudget budget(0.05);
    ManualClock clock;
    Duration worked{};
    for (int i = 0; i < 60'000; ++i, clock.advance(1ms)) {
        if (!budget.may_work(clock.now())) continue;
        budget.spent(10ms);
        worked += 10ms;
    }
    EXPECT_LE(to_seconds(worked), 60 * 0.05 + 0.6);
    EXPECT_GE(to_seconds(worked), 60 * 0.05 - 0.6);
}

TEST(WorkBudget, AnUrgentOperationSilencesTheBackgroundForSecondsNotMinutes) {
    WorkBudget budget(0.05);
    ManualClock clock;
    ASSERT_TRUE(budget.may_work(clock.now()));
    budget.spent(60s);
    EXPECT_FALSE(budget.may_work(clock.now()));
    EXPECT_LE(budget.wait(clock.now()), 11s);
    clock.advance(budget.wait(clock.now()));
    EXPECT_TRUE(budget.may_work(clock.now()));
}

TEST(LookSchedule, WaitsInProportionToWhatTheLastLookCost) {
    LookSchedule looks;
    ManualClock clock;
    EXPECT_TRUE(looks.due(clock.now(), 0.001));
    looks.looked(clock.now(), 20ms);
    clock.advance(19s);
    EXPECT_FALSE(looks.due(clock.now(), 0.001));
    clock.advance(1s);
    EXPECT_TRUE(looks.due(clock.now(), 0.001));
}

TEST(LookSchedule, NeverLooksMoreThanOnceASecondHoweverCheapItIs) {
    LookSchedule looks;
    ManualClock clock;
    looks.looked(clock.now(), 1us);
    clock.advance(999ms);
    EXPECT_FALSE(looks.due(clock.now(), 0.5));
}

ShrinkSight two_gib_to_go() {
    ShrinkSight seen;
    seen.heap = four_gib();
    seen.target = {1_GiB};
    seen.footprint = 3_GiB;
    seen.footprint_is_fresh = true;
    seen.balloon_limit = 2_GiB;
    seen.room = 2_GiB;
    seen.floor = 64_MiB;
    seen.deadline = 5s;
    return seen;
}

TEST(ShrinkPlan, PullsLeversFirst) {
    ShrinkSight seen = two_gib_to_go();
    seen.levers = LeverPhase::unused;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::pull_levers);
}

TEST(ShrinkPlan, GivesLeversTimeBeforeChunks) {
    ShrinkSight seen = two_gib_to_go();
    seen.levers = LeverPhase::working;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::wait);
    seen.elapsed = 2s;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::inflate);
}

TEST(ShrinkPlan, WaitsForNoGarbageWhereEnoughIsFreeAlready) {
    ShrinkSight seen = two_gib_to_go();
    seen.levers = LeverPhase::working;
    seen.levers_give = false;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::wait);
    seen.room = seen.balloon_limit = 3_GiB;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::inflate);
    seen.levers_give = true;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::wait);
}

TEST(ShrinkPlan, UsesChunksAtOnceWhereThereAreNoLevers) {
    const ShrinkStep step = next_step(two_gib_to_go());
    EXPECT_EQ(step.action, ShrinkAction::inflate);
    EXPECT_EQ(step.inflate, 2_GiB);
}

TEST(ShrinkPlan, NeverInflatesBeyondRoomOrLimit) {
    ShrinkSight seen = two_gib_to_go();
    seen.room = 64_MiB;
    EXPECT_EQ(next_step(seen).inflate, 64_MiB);
    seen.balloon = 2_GiB;
    EXPECT_NE(next_step(seen).action, ShrinkAction::inflate);
}

TEST(ShrinkPlan, IsMetOnlyByAMeasurement) {
    ShrinkSight seen = two_gib_to_go();
    seen.footprint = 1_GiB;
    seen.footprint_is_fresh = false;
    seen.footprint_is_guess = true;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::look);
    seen.footprint_is_fresh = true;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::end);
    EXPECT_EQ(next_step(seen).reason, EndReason::met);
}

TEST(ShrinkPlan, EndsAtItsDeadlineAfterALastLook) {
    ShrinkSight seen = two_gib_to_go();
    seen.elapsed = 4900ms;
    seen.footprint_is_fresh = false;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::look);
    seen.footprint_is_fresh = true;
    EXPECT_EQ(next_step(seen).reason, EndReason::deadline);
}

TEST(ShrinkPlan, NamesTheFloorOnlyWhenACycleHasShownIt) {
    ShrinkSight seen = two_gib_to_go();
    seen.target = {128_MiB};
    seen.live = 512_MiB;
    seen.floor = 600_MiB;
    seen.footprint = 590_MiB;
    EXPECT_NE(next_step(seen).action, ShrinkAction::end);
    seen.cycle_completed = true;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::end);
    EXPECT_EQ(next_step(seen).reason, EndReason::floor);
}

TEST(ShrinkPlan, StopsWhenTheGuardHasLetGo) {
    ShrinkSight seen = two_gib_to_go();
    seen.levers = LeverPhase::working;
    seen.hurt = true;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::end);
    EXPECT_EQ(next_step(seen).reason, EndReason::gc_distress);
}

TEST(ShrinkPlan, WorksWithLeversAloneWhileTheGuardBacksOff) {
    ShrinkSight seen = two_gib_to_go();
    seen.may_inflate = false;
    seen.levers = LeverPhase::unused;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::pull_levers);
    seen.levers = LeverPhase::working;
    seen.elapsed = 3s;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::wait);
    seen.levers = LeverPhase::spent;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::end);
    EXPECT_EQ(next_step(seen).reason, EndReason::gc_distress);
    seen.footprint = seen.target.footprint;
    EXPECT_EQ(next_step(seen).reason, EndReason::met);
}

TEST(ShrinkPlan, WithoutChunksItEndsWhenTheLeversGiveNoMore) {
    ShrinkSight seen = two_gib_to_go();
    seen.no_chunks = "its regions are too small";
    seen.balloon_limit = Bytes();
    seen.levers = LeverPhase::working;
    seen.elapsed = 3s;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::wait);
    seen.levers = LeverPhase::spent;
    EXPECT_EQ(next_step(seen).reason, EndReason::not_reclaimable);
    EXPECT_NE(next_step(seen).detail.find("too small"), std::string::npos);
}

TEST(ShrinkPlan, AHardCapInflatesBeyondTheMeasuredTarget) {
    ShrinkSight seen = two_gib_to_go();
    seen.cap = Cap::hard;
    seen.footprint = 512_MiB;
    EXPECT_EQ(next_step(seen).action, ShrinkAction::inflate);
    seen.balloon = seen.balloon_limit;
    EXPECT_EQ(next_step(seen).reason, EndReason::met);
}

TEST(ShrinkPlan, EndsWhenTheCollectorNeedsTheRest) {
    ShrinkSight seen = two_gib_to_go();
    seen.levers = LeverPhase::spent;
    seen.footprint_is_fresh = true;
    seen.balloon = seen.balloon_limit;
    EXPECT_NE(next_step(seen).action, ShrinkAction::end) << "no cycle has shown yet what is alive";
    seen.cycle_completed = true;
    seen.live = 100_MiB;
    const ShrinkStep step = next_step(seen);
    EXPECT_EQ(step.action, ShrinkAction::end);
    EXPECT_EQ(step.reason, EndReason::floor);
}

}  // namespace
}  // namespace aerostat::agent
