#include "jvm-agent/decide/cost_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

/// A program whose collector works `gc_cpu` and stops it for `stopped` in each second.
class Program {
public:
    void run(CostModel& model, int seconds, Duration gc_cpu, Duration stopped = {}) {
        for (int i = 0; i < seconds; ++i) {
            seen.gc_cpu += gc_cpu;
            seen.stopped += stopped;
            ++seen.collections;
            clock.advance(1s);
            model.observe(seen, clock.now());
        }
    }
    CostSight seen{2_GiB, {}, {}, false};
    ManualClock clock;
};

TEST(CostModel, AnIdleProgramsSlackIsFree) {
    CostModel model;
    Program program;
    program.run(model, 60, 0s);
    EXPECT_EQ(model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB).price_of_taking(2_GiB), 0);
}

TEST(CostModel, KIsWhatItCostsNowTimesTheRoomThereIsNow) {
    CostModel model;
    Program program;
    program.run(model, 20, 80ms, 20ms);
    const double room = (2_GiB).as_double() - (500_MiB).as_double();
    EXPECT_NEAR(model.k(500_MiB), 0.1 * room, room * 0.001);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    EXPECT_GT(curve.price_of_taking(700_MiB), curve.price_of_taking(2_GiB));
    EXPECT_NEAR(curve.evaluate(2_GiB), 0.1, 0.02) << "the curve passes through what is measured";
}

TEST(CostModel, AssumesLittleUntilItHasSeenSomething) {
    CostModel model;
    Program program;
    program.run(model, 1, 1500ms);
    EXPECT_EQ(model.observed(), 0s) << "what was before the first look is not known";
    EXPECT_NEAR(model.cost(), 0.02, 0.001);
    EXPECT_GT(model.curve(std::nullopt, 64_MiB, 2_GiB, 4_GiB).evaluate(128_MiB), 0) << "nothing known is not free";
}

// A JVM that starts: 1.5 processors collect for three seconds.
TEST(CostModel, DoesNotTakeThreeSecondsForAMinute) {
    CostModel model;
    Program program;
    program.run(model, 1, 0s);
    program.seen.occupied = 600_MiB;
    program.run(model, 3, 1500ms);
    EXPECT_LT(model.cost(), 0.1);
    EXPECT_LT(model.observed(), 2s) << "and says how long it has looked";
    program.run(model, 20, 10ms);
    EXPECT_LT(model.cost(), 0.05);
    EXPECT_GT(model.observed(), 15s);
}

TEST(CostModel, IsRightAfterItsFirstSeconds) {
    CostModel model;
    Program program;
    program.run(model, 12, 100ms);
    EXPECT_NEAR(model.cost(), 0.1, 0.001);
}

// The link was down for an hour, in which the program had hardly anything to do.
TEST(CostModel, ATimeThatNobodyLookedAtCountsForNothing) {
    CostModel model;
    Program program;
    program.run(model, 20, 10ms);
    program.clock.advance(1h);
    program.run(model, 60, 200ms);
    EXPECT_GT(model.cost(), 0.12);
    EXPECT_LE(model.observed(), 61s);
}

TEST(CostModel, LoadingDataCountsLittle) {
    CostModel model;
    Program program;
    program.run(model, 30, 10ms);
    for (int i = 0; i < 10; ++i) {
        program.seen.occupied += 100_MiB;
        program.run(model, 1, 1s);
    }
    program.run(model, 30, 10ms);
    EXPECT_LT(model.cost(), 0.04);
}

TEST(CostModel, AProgramThatOnlyLoadsHasACostAllTheSame) {
    CostModel model;
    Program program;
    for (int i = 0; i < 300; ++i) {
        program.seen.occupied += program.seen.occupied / 4 + 32_MiB;
        program.run(model, 1, 500ms);
    }
    EXPECT_GT(model.cost(), 0.4);
}

TEST(CostModel, OldGarbageThatPilesUpSlowlyIsNoLoading) {
    CostModel model;
    Program program;
    program.seen.occupied = 150_MiB;
    for (int i = 0; i < 60; ++i) {
        program.seen.occupied += 3_MiB;
        program.run(model, 1, 100ms);
    }
    EXPECT_GT(model.observed(), 25s);
    EXPECT_NEAR(model.cost(), 0.1, 0.001);
}

// Until a first marking finds it, a third of what is allocated seems to stay.
TEST(CostModel, OldGarbageThatPilesUpFastIsNoLoadingEither) {
    CostModel model;
    Program program;
    program.seen.occupied = 110_MiB;
    for (int i = 0; i < 20; ++i) {
        program.seen.occupied += 30_MiB;
        program.seen.allocated += 100_MiB;
        program.run(model, 1, 100ms);
    }
    EXPECT_GT(model.observed(), 12s);
    EXPECT_NEAR(model.cost(), 0.1, 0.001);
}

// 0.01 with 2 GiB less 500 MiB of live data is K = 15.5 MiB/s; with 600 MiB that is 0.155.
TEST(CostModel, ASqueezeChangesTheHeapButNotWhatCollectionsCost) {
    CostModel model;
    Program program;
    program.run(model, 40, 10ms);
    const double before = model.k(500_MiB);
    program.seen.heap = 600_MiB;
    program.run(model, 20, 155ms);
    EXPECT_NEAR(model.k(500_MiB), before, before * 0.02);
    program.seen.heap = 2_GiB;
    program.run(model, 20, 10ms);
    EXPECT_NEAR(model.k(500_MiB), before, before * 0.02);
    EXPECT_NEAR(model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB).evaluate(600_MiB), 0.155, 0.005);
}

TEST(CostModel, CollectionsThatWeCausedAreNotTheProgramsCost) {
    CostModel model;
    Program program;
    program.run(model, 30, 10ms);
    program.seen.collections_are_ours = true;
    program.run(model, 30, 900ms);
    program.seen.collections_are_ours = false;
    program.run(model, 30, 10ms);
    EXPECT_NEAR(model.cost(), 0.01, 0.001);
}

TEST(CostModel, AHeapWithHardlyAnyRoomHasAPriceAllTheSame) {
    CostModel model;
    Program program;
    program.run(model, 30, 500ms);
    EXPECT_GT(model.k(2_GiB), 0);
    EXPECT_GT(model.k(3_GiB), 0);
}

TEST(CostModel, TimeInWhichAllCollectionsWereOursIsNotObserved) {
    CostModel model;
    Program program;
    program.seen.collections_are_ours = true;
    program.run(model, 60, 900ms);
    EXPECT_EQ(model.observed(), 0s);
    EXPECT_NEAR(model.cost(), 0.02, 0.001);
}

TEST(CostModel, CountersThatGoBackCostNothing) {
    CostModel model;
    Program program;
    program.run(model, 5, 10ms);
    program.seen.gc_cpu = {};
    program.run(model, 1, 0ms);
    EXPECT_GE(model.cost(), 0);
}

TEST(CostModel, MoreThanTheJvmUsesThoughItMayChangesNothing) {
    CostModel model;
    Program program;
    program.run(model, 60, 100ms);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 2_GiB, 4_GiB);
    EXPECT_EQ(curve.ceiling(), 4_GiB);
    EXPECT_NEAR(curve.evaluate(4_GiB), 0.1, 0.001);
    EXPECT_EQ(curve.gain_of_giving(2_GiB), 0);
    EXPECT_GT(curve.price_of_taking(2_GiB), 0);
}

TEST(CostModel, YoungCollectionsThatStopTheProgramCostByTheHeapAsAWhole) {
    CostModel model;
    Program program;
    for (int i = 0; i < 60; ++i) {
        program.seen.young_time += 300;
        program.seen.other_time += 100;
        program.run(model, 1, 100ms);
    }
    const double room = (2_GiB).as_double() - (500_MiB).as_double();
    EXPECT_NEAR(model.k(500_MiB), 0.025 * room, room * 0.001);
    EXPECT_NEAR(model.k_of_young(), 0.075 * (2_GiB).as_double(), 1e5);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    EXPECT_NEAR(curve.evaluate(1_GiB), 0.075 * 2 + 0.025 * 1548 / 524, 0.02);
}

TEST(CostModel, FullCollectionsComeWhenTheOldGenerationIsFull) {
    CostModel model;
    Program program;
    program.seen.heap = 600_MiB;
    program.seen.filled = 2.0 / 3;
    program.run(model, 60, 100ms);
    const CostCurve& curve = model.curve(100_MiB, 180_MiB, 600_MiB, 600_MiB);
    EXPECT_NEAR(curve.evaluate(600_MiB), 0.1, 0.001);
    EXPECT_NEAR(curve.evaluate(300_MiB), 0.1 * (400 - 100) / (200 - 100), 0.01);
}

/// A minute of concurrent cycles: 100 MiB are allocated a second, and a cycle costs 0.5 s.
CostModel that_runs_cycles(Program& program, Bytes between, Bytes kept_free) {
    CostModel model;
    program.seen.kept_free = kept_free;
    Bytes since, told;
    for (int i = 0; i < 240; ++i) {
        since += 100_MiB;
        told += 100_MiB;
        const bool begins = since >= between;
        if (begins) ++program.seen.cycles;
        if (begins) program.seen.between_cycles += std::exchange(told, Bytes());
        if (begins) since = saturating_sub(since, between);
        program.run(model, 1, begins ? 500ms : 0ms);
    }
    return model;
}

TEST(CostModel, CyclesThatComeEarlyWouldComeAsOftenInASmallerHeap) {
    Program program;
    CostModel model = that_runs_cycles(program, 200_MiB, 100_MiB);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 2_GiB, 4_GiB);
    EXPECT_NEAR(curve.evaluate(2_GiB), 0.25, 0.03);
    EXPECT_NEAR(curve.evaluate(1_GiB), curve.evaluate(2_GiB), 0.001);
    EXPECT_GT(curve.evaluate(640_MiB), curve.evaluate(2_GiB) * 1.5);
}

TEST(CostModel, WhatTheCollectorKeepsFreeIsNoRoom) {
    Program program;
    CostModel model = that_runs_cycles(program, 1148_MiB, 400_MiB);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 2_GiB, 4_GiB);
    const double now = 0.5 * 100 / 1148;
    EXPECT_NEAR(curve.evaluate(2_GiB), now, now * 0.2);
    // A fifth of a heap is kept free: of 1 GiB 824 MiB are filled, of which 500 are alive.
    EXPECT_NEAR(curve.evaluate(1_GiB), 0.5 * 100 / 324, 0.5 * 100 / 324 * 0.2);
    EXPECT_LT(curve.evaluate(600_MiB), now * 1148 / 20) << "no curve falls off before its floor";
}

TEST(CostModel, AHeldHeapsCyclesDoNotShowHowMuchItCouldUse) {
    Program program;
    program.seen.held = true;
    CostModel model = that_runs_cycles(program, 200_MiB, 100_MiB);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    EXPECT_LT(curve.evaluate(3_GiB), curve.evaluate(2_GiB) * 0.8);
}

TEST(CostModel, TheLatestCyclesTellHowEarlyTheyCome) {
    Program program;
    CostModel model = that_runs_cycles(program, 200_MiB, 100_MiB);
    for (int i = 0; i < 5; ++i) {  // it has learnt: 1448 MiB at a time
        ++program.seen.cycles;
        program.seen.between_cycles += 1448_MiB;
        program.run(model, 1, 500ms);
    }
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 2_GiB, 4_GiB);
    EXPECT_GT(curve.evaluate(1500_MiB), curve.evaluate(2_GiB) * 1.3);
}

TEST(CostModel, CyclesThatALearningCollectorRunsMoreOftenCostTheSameEach) {
    Program program;
    CostModel often = that_runs_cycles(program, 200_MiB, 100_MiB);
    Program other;
    CostModel seldom = that_runs_cycles(other, 1400_MiB, 100_MiB);
    EXPECT_NEAR(often.k(500_MiB), seldom.k(500_MiB), seldom.k(500_MiB) * 0.15);
}

TEST(CostModel, TheCurveDoesNotJitter) {
    CostModel model;
    Program program;
    program.run(model, 300, 100ms);
    const CostCurve before = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    program.run(model, 3, 120ms);
    EXPECT_EQ(model.curve(505_MiB, 606_MiB, 4_GiB, 4_GiB), before);
}

TEST(CostModel, WhateverIsSeenTheCurveIsFinite) {
    std::minstd_rand random(7);
    const auto bytes = [&] { return Bytes(random() % 5 == 0 ? 0 : std::uint64_t{random()} * (random() % 4096)); };
    const auto time = [&] { return Duration(static_cast<std::int64_t>(random() * (random() % 8))); };
    for (int run = 0; run < 200; ++run) {
        CostModel model;
        ManualClock clock;
        for (int i = 0; i < 20; ++i) {
            CostSight seen{bytes(), time(), time(), random() % 4 == 0, random(), random(), random() % 9, bytes(), bytes()};
            seen.cycles = random() % 50;
            seen.between_cycles = bytes();
            seen.kept_free = bytes();
            seen.filled = static_cast<double>(random() % 20) / 10 - 0.5;
            clock.advance(Duration(static_cast<std::int64_t>(random())));
            model.observe(seen, clock.now());
            const Bytes floor = bytes();
            const CostCurve& curve = model.curve(bytes(), floor, bytes(), floor + bytes());
            for (const CostPoint& point : curve.points()) {
                EXPECT_TRUE(std::isfinite(point.cost)) << run;
                EXPECT_GE(point.cost, 0) << run;
            }
            EXPECT_LE(model.observed(), 61s);
        }
    }
}

TEST(CostModel, TheCurveFollowsARealChange) {
    CostModel model;
    Program program;
    program.run(model, 300, 50ms);
    const CostCurve before = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    program.run(model, 300, 400ms);
    EXPECT_GT(model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB).evaluate(1_GiB), before.evaluate(1_GiB) * 3);
}

}  // namespace
}  // namespace aerostat::agent
