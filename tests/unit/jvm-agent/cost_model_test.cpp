#include <gtest/gtest.h>

#include "jvm-agent/decide/cost_model.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

/// A program whose old generation fills at `fill` a second, with one cycle of `cycle_cpu` every ten seconds.
class Program {
public:
    void run(CostModel& model, int seconds, Bytes fill, Duration cycle_cpu) {
        for (int i = 0; i < seconds; ++i) {
            seen.application += fill;
            if (i % 10 == 9) {
                seen.heap.cycle_pauses += 2;
                seen.concurrent_cpu += cycle_cpu;
                seen.application = 500_MiB;
            }
            clock.advance(1s);
            model.observe(seen, clock.now());
        }
    }
    CostSight seen;
    ManualClock clock;
};

TEST(CostModel, AnIdleProgramsSlackIsFree) {
    CostModel model;
    Program program;
    program.run(model, 60, 0_B, 0s);
    EXPECT_EQ(model.curve(500_MiB, 600_MiB, 4_GiB).price_of_taking(2_GiB), 0);
}

TEST(CostModel, KIsCycleCostTimesFillRate) {
    CostModel model;
    Program program;
    program.run(model, 300, 10_MiB, 2s);
    const double expected = 2.0 * (10_MiB).as_double();
    EXPECT_NEAR(model.k(), expected, expected * 0.25);
    const CostCurve& curve = model.curve(500_MiB, 600_MiB, 4_GiB);
    EXPECT_GT(curve.price_of_taking(700_MiB), curve.price_of_taking(2_GiB));
}

TEST(CostModel, CyclesWeDroveAreNotTheProgramsCost) {
    CostModel model;
    Program program;
    program.seen.cycles_are_ours = true;
    program.run(model, 300, 10_MiB, 2s);
    EXPECT_EQ(model.k(), 0);
}

TEST(CostModel, TheCurveDoesNotJitter) {
    CostModel model;
    Program program;
    program.run(model, 300, 10_MiB, 2s);
    const CostCurve before = model.curve(500_MiB, 600_MiB, 4_GiB);
    program.run(model, 3, 10_MiB, 2s);
    EXPECT_EQ(model.curve(505_MiB, 606_MiB, 4_GiB), before);
}

TEST(CostModel, TheCurveFollowsARealChange) {
    CostModel model;
    Program program;
    program.run(model, 300, 10_MiB, 2s);
    const CostCurve before = model.curve(500_MiB, 600_MiB, 4_GiB);
    program.run(model, 300, 80_MiB, 2s);
    EXPECT_GT(model.curve(500_MiB, 600_MiB, 4_GiB).evaluate(1_GiB), before.evaluate(1_GiB) * 3);
}

}  // namespace
}  // namespace aerostat::agent
