#include <gmock/gmock.h>

#include "tests/unit/jvm-agent/regulator_fixture.h"

namespace aerostat::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Shenandoah of one size: no setting drives it, and a concurrent cycle that is asked for clears soft references.
class OneSizedHeap : public RegulatorTest {
protected:
    explicit OneSizedHeap(int allowed, LeverRule levers)
        : RegulatorTest({0.05, Cap::hard, false, {}, {}, allowed, allowed > 0 ? "" : "full-gcs=N would help"}, levers) {
        jvm.kind = CollectionKind::whole_heap_cycles;
        jvm.levers_give = false;
        jvm.flags = {{"SoftMaxHeapSize", {4LL << 30, false}},
                     {"MinHeapFreeRatio", {0, false}},
                     {"MaxHeapFreeRatio", {0, false}},
                     {"G1PeriodicGCInterval", {0, false}}};
        jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
        jvm.garbage = 2_GiB;
        jvm.headroom = 800_MiB;
    }
};

class AskedCycles : public OneSizedHeap {
protected:
    AskedCycles() : OneSizedHeap(2, &plan_asked_cycles) {}
};

TEST_F(AskedCycles, FindTheGarbageAndChunksTakeIt) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met) << results[0].detail;
    EXPECT_EQ(jvm.asked_cycles, 1U);
    EXPECT_GE(regulator.balloon().size().granted, 2_GiB + 960_MiB);
    EXPECT_TRUE(pressures.empty());
}

TEST_F(AskedCycles, AreNotAskedForWhereEnoughIsFree) {
    regulator.accept(order("a", 3_GiB + 512_MiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met) << results[0].detail;
    EXPECT_EQ(jvm.asked_cycles, 0U);
}

TEST_F(AskedCycles, TakeNoChunkThatIsHeld) {
    regulator.accept(order("a", 3_GiB + 512_MiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().count(), 0U);
    ASSERT_EQ(jvm.asked_cycles, 0U);
    regulator.accept(order("b", 1_GiB));
    run_until_result(2);
    EXPECT_EQ(jvm.asked_cycles, 1U);
    EXPECT_EQ(results[1].reason, EndReason::met) << results[1].detail;
    EXPECT_EQ(regulator.balloon().cleared(), 0U) << "the balloon was let go before it";
    EXPECT_EQ(regulator.guard_releases(), 0U);
}

TEST_F(AskedCycles, AreNeverMadeWithoutAnOrder) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    jvm.garbage = 500_MiB;
    jvm.in_memory = 2_GiB;  // beyond the target: the levers are pulled again
    jvm.clock.advance(11min);
    regulator.look_if_due();
    run(60s);
    EXPECT_EQ(jvm.asked_cycles, 1U);
}

TEST_F(AskedCycles, EndWithTheBudgetAndChunksStillTakeWhatIsFree) {
    for (const char* op : {"a", "b", "c"}) {
        regulator.lift();
        jvm.cycle();  // of the program's own: what was let go comes free
        jvm.garbage = 2_GiB;
        jvm.in_memory = jvm.max;
        regulator.accept(order(op, 512_MiB));
        run_until_result(results.size() + 1);
    }
    EXPECT_EQ(jvm.asked_cycles, 2U) << "none is left within ten minutes";
    EXPECT_GT(results[2].obtained, 500_MiB);
    EXPECT_GT(results[2].shortfall, 1_GiB);
    EXPECT_THAT(results[2].detail, HasSubstr("no more collections may be asked for"));
}

class UnaskedCycles : public OneSizedHeap {
protected:
    UnaskedCycles() : OneSizedHeap(0, &plan_soft_maximum) {}
};

TEST_F(UnaskedCycles, LeaveAnAnswerThatSaysWhatWouldHelp) {
    regulator.accept(order("a", 512_MiB));
    run_until_result();
    EXPECT_EQ(jvm.asked_cycles, 0U);
    EXPECT_GT(results[0].shortfall, 1_GiB);
    EXPECT_THAT(results[0].detail, HasSubstr("full-gcs=N"));
    regulator.lift();
    jvm.cycle();
    jvm.in_memory = jvm.max;
    regulator.accept(order("b", 3_GiB));
    run_until_result(2);
    EXPECT_EQ(results[1].reason, EndReason::met);
    EXPECT_THAT(results[1].detail, Not(HasSubstr("full-gcs"))) << "nothing is missing";
}

}  // namespace
}  // namespace aerostat::agent
