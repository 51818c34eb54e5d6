#include "tests/unit/jvm-agent/regulator_fixture.h"

namespace aerostat::agent {
namespace {

TEST_F(RegulatorTest, MeetsATargetWithLeversWhenGarbageIsInTheWay) {
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met);
    EXPECT_GE(results[0].obtained, 2_GiB);
    EXPECT_EQ(results[0].shortfall, 0_B);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0) << "cycles are driven only while the operation runs";
}

TEST_F(RegulatorTest, SwitchedOffItGivesEverythingBackAndRefusesUntilItIsOnAgain) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    regulator.accept(order("a", 2_GiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().count(), 0U);
    regulator.switch_off("switched off");
    EXPECT_EQ(regulator.balloon().count(), 0U);
    EXPECT_FALSE(regulator.target());
    regulator.accept(order("b", 2_GiB));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[1].reason, EndReason::unsupported);
    EXPECT_EQ(results[1].detail, "switched off");
    run(30s);
    EXPECT_EQ(regulator.balloon().count(), 0U) << "it stays empty";
    regulator.switch_on();
    jvm.young_gc();
    jvm.in_memory = jvm.max;
    regulator.accept(order("c", 2_GiB));
    run_until_result(3);
    EXPECT_EQ(results[2].reason, EndReason::met);
    regulator.accept(order("b", 2_GiB));
    EXPECT_EQ(results.back().detail, "switched off") << "an order that comes again has the same answer";
}

TEST_F(RegulatorTest, SwitchedOffDuringAnOperationItEndsThat) {
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 1_GiB));
    static_cast<void>(regulator.advance(gc));
    ASSERT_FALSE(regulator.running_op().empty());
    regulator.switch_off("switched off");
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::paused);
    EXPECT_EQ(results[0].detail, "switched off");
    EXPECT_EQ(results[0].rest, RestIs::rolled_back);
    EXPECT_FALSE(regulator.target());
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70) << "settings are back";
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
}

TEST_F(RegulatorTest, UsesChunksAloneWhereTheHeapIsFixed) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    regulator.accept(order("a", 2_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70) << "ratios can do nothing here";
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_GE(regulator.balloon().size().granted, 2_GiB);
}

TEST_F(RegulatorTest, AnswersTheSameOrderTwiceButDoesItOnce) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    regulator.accept(order("a", 1_GiB));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[1].obtained, results[0].obtained);
    EXPECT_TRUE(regulator.running_op().empty());
}

TEST_F(RegulatorTest, ANewOrderSupersedesTheRunningOne) {
    jvm.flags.at("G1PeriodicGCInterval").by_operator = true;
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 200_MiB));
    run(20ms);
    regulator.accept(order("b", 3_GiB));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].op, "a");
    EXPECT_EQ(results[0].reason, EndReason::superseded);
    EXPECT_EQ(results[1].op, "b");
}

TEST_F(RegulatorTest, SaysFloorWithTheLiveSetKnown) {
    jvm.live = 1_GiB;
    regulator.accept(order("a", 64_MiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::floor);
    EXPECT_GT(results[0].shortfall, 0_B);
    EXPECT_EQ(regulator.live(), 1_GiB);
}

TEST_F(RegulatorTest, EndsAtTheDeadlineAndRollsBackWhenAsked) {
    jvm.minimum = jvm.max;
    jvm.committed = jvm.in_memory = jvm.max;
    jvm.garbage = 2_GiB;
    jvm.chunk_takes = 1ms;
    SetHeapTarget late = order("a", 256_MiB);
    late.deadline = Millis(500);
    late.on_shortfall = OnShortfall::rollback;
    regulator.accept(late);
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::deadline);
    EXPECT_EQ(results[0].rest, RestIs::rolled_back);
    EXPECT_LE(results[0].elapsed, Millis(600));
    EXPECT_EQ(regulator.balloon().count(), 0U);
    EXPECT_FALSE(regulator.target());
}

TEST_F(RegulatorTest, HoldsFirmlyInTheBackgroundWithinTheBudget) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    run(30s);
    EXPECT_GE(regulator.balloon().size().granted + 8_MiB, 3_GiB);
}

TEST_F(RegulatorTest, HoldsElasticallyWithoutABalloonBeyondNeed) {
    SetHeapTarget elastic = order("a", 1_GiB);
    elastic.cap = Cap::elastic;
    regulator.accept(elastic);
    run_until_result();
    const Bytes after = regulator.balloon().size().granted;
    run(30s);
    EXPECT_EQ(regulator.balloon().size().granted, after);
}

TEST_F(RegulatorTest, ATargetAtTheCeilingLiftsAllRestraint) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    run(5s);
    ASSERT_GT(regulator.balloon().count(), 0U);
    regulator.accept(order("b", 4_GiB));
    EXPECT_EQ(regulator.balloon().count(), 0U);
    EXPECT_FALSE(regulator.target());
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_EQ(jvm.flag("MinHeapFreeRatio"), 40);
}

TEST_F(RegulatorTest, AHeldTargetFallsAwayAfterItsTime) {
    SetHeapTarget held = order("a", 1_GiB);
    held.hold = Millis(20'000);
    regulator.accept(held);
    run_until_result();
    ASSERT_TRUE(regulator.target());
    EXPECT_GT(regulator.target_left(), Millis(0));
    run(21s);
    EXPECT_FALSE(regulator.target());
    EXPECT_EQ(regulator.balloon().count(), 0U);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
}

TEST_F(RegulatorTest, LetsGoOfEverythingWhenAFullCollectionComes) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    run(10s);
    ASSERT_GT(regulator.balloon().count(), 0U);
    jvm.full_gc();
    run(10ms);
    EXPECT_EQ(regulator.balloon().count(), 0U);
    ASSERT_FALSE(pressures.empty());
    EXPECT_EQ(pressures.back().cause, "gc-distress");
    EXPECT_EQ(regulator.distress(), "full-gc");
    run(2s);
    EXPECT_EQ(regulator.balloon().count(), 0U) << "it must back off before it inflates again";
}

TEST_F(RegulatorTest, TellsAtOnceWhenTheCollectorTookChunks) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    run(10s);
    ASSERT_GT(regulator.balloon().count(), 0U);
    jvm.clear_all_chunks();
    jvm.cycle();
    run(10ms);
    ASSERT_FALSE(pressures.empty());
    EXPECT_EQ(pressures.back().cause, "cleared-chunks");
}

TEST_F(RegulatorTest, GivesRoomToAGrowingProgramBeforeItIsShort) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    run(60s);
    ASSERT_GT(regulator.balloon().size().granted, 2_GiB);
    while (jvm.live < 3500_MiB) {
        jvm.live += 32_MiB;
        ASSERT_LE(jvm.used(), jvm.max) << "the program would have had to collect in full at " << format_bytes(jvm.live);
        jvm.young_gc();
        run(5ms);
    }
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70) << "low ratios shrink a growing heap";
}

TEST_F(RegulatorTest, StopsBallooningWhenTheJvmRefusesAChunk) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    jvm.refuse_chunks = true;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::not_reclaimable);
    regulator.accept(order("b", 2_GiB));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[1].reason, EndReason::not_reclaimable);
}

TEST_F(RegulatorTest, CancelKeepsOrRollsBackAsAsked) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    jvm.garbage = 2_GiB;
    jvm.chunk_takes = 1ms;
    regulator.accept(order("a", 256_MiB));
    run(40ms);
    ASSERT_GT(regulator.balloon().count(), 0U);
    regulator.cancel({"", "other", OnShortfall::keep});
    EXPECT_TRUE(results.empty());
    regulator.cancel({"", "a", OnShortfall::rollback});
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::cancelled);
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(RegulatorTest, TakesNoStrongHandleWhileACycleMayRun) {
    jvm.back_in_each_chunk = 1_MiB;
    Regulator marking({jvm, jvm, jvm, &plan_g1_levers, jvm.clock, [this] { return cpu; }, [] { return true; },
                       [] { return Duration{}; }, [] { return Bytes(); }},
                      {}, {[](OperationResult) {}, [](Pressure) {}});
    marking.accept(order("a", 1_GiB));
    for (int i = 0; i < 2000; ++i) {
        static_cast<void>(marking.advance(gc));
        jvm.clock.advance(50ms);
        jvm.let_cycles_run(1);
    }
    ASSERT_GT(marking.balloon().count(), 0U);
    EXPECT_EQ(jvm.strong_handles, 0);
}

class ForbiddenBalloon : public RegulatorTest {
protected:
    ForbiddenBalloon()
        : RegulatorTest(
              {0.05, Cap::hard, false, fail(ErrorCode::unsupported, "not supported yet: collector Parallel"), {}}) {}
};

class LeversOnly : public RegulatorTest {
protected:
    LeversOnly() : RegulatorTest({0.05, Cap::hard, false, {}, fail(ErrorCode::refused, "its regions are too small")}) {}
};

TEST_F(LeversOnly, MeetsWhatTheCollectorGivesBackAndHoldsNoChunk) {
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met);
    run(60s);
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(LeversOnly, SaysWhyTheRestCannotBeHad) {
    jvm.garbage = 1_GiB;
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;  // what is committed, levers do not give back
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::not_reclaimable);
    EXPECT_NE(results[0].detail.find("its regions are too small"), std::string::npos) << results[0].detail;
    EXPECT_LT(results[0].elapsed, Millis(5'000)) << "it does not wait for what cannot come";
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(ForbiddenBalloon, AnswersUnsupportedAndTouchesNothing) {
    regulator.accept(order("a", 1_GiB));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::unsupported);
    EXPECT_EQ(results[0].detail, "not supported yet: collector Parallel");
    EXPECT_TRUE(jvm.flag_calls.empty());
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

}  // namespace
}  // namespace aerostat::agent
