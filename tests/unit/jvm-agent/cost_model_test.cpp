#include "jvm-agent/decide/cost_model.h"

#include <gtest/gtest.h>

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

TEST(CostModel, IsRightFromItsFirstSecondsOn) {
    CostModel model;
    Program program;
    program.run(model, 3, 100ms);
    EXPECT_NEAR(model.cost(), 0.1, 0.001);
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

TEST(CostModel, TheCurveDoesNotJitter) {
    CostModel model;
    Program program;
    program.run(model, 300, 100ms);
    const CostCurve before = model.curve(500_MiB, 600_MiB, 4_GiB, 4_GiB);
    program.run(model, 3, 120ms);
    EXPECT_EQ(model.curve(505_MiB, 606_MiB, 4_GiB, 4_GiB), before);
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
