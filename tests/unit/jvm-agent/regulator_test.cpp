#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/fake_jvm.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

class RegulatorTest : public testing::Test {
protected:
    explicit RegulatorTest(RegulatorRules rules = {}, LeverRule levers = &plan_g1_levers)
        : regulator({jvm, jvm, jvm, levers, jvm.clock, [this] { return cpu; }, [] { return false; },
                     [] { return Duration{}; }, [this] { return ++trims, native_free; }},
                    rules,
                    {[this](OperationResult r) { results.push_back(std::move(r)); },
                     [this](Pressure p) { pressures.push_back(std::move(p)); }}) {}

    SetHeapTarget order(std::string op, Bytes target) {
        SetHeapTarget order;
        order.op = std::move(op);
        order.target = {target};
        return order;
    }
    /// The agent's loop, with time passing as the regulator asks; cycles run as its levers ask.
    void run(Duration time) {
        const TimePoint until = jvm.clock.now() + time;
        while (jvm.clock.now() < until) {
            const Duration wait = regulator.advance(gc);
            cpu += 200us;
            jvm.clock.advance(std::clamp<Duration>(wait, 2ms, 50ms));
            jvm.let_cycles_run(1);
        }
    }
    void run_until_result(std::size_t count = 1) {
        for (int i = 0; i < 2000 && results.size() < count; ++i) run(10ms);
        ASSERT_GE(results.size(), count);
    }

    FakeJvm jvm;
    Duration cpu{};
    GcLoad gc;
    int trims = 0;
    Bytes native_free;
    std::vector<OperationResult> results;
    std::vector<Pressure> pressures;
    Regulator regulator;
};

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
    EXPECT_EQ(results[1].reason, EndReason::unsupported);
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

TEST_F(RegulatorTest, NativeMemoryIsTrimmedBesideAShrinkAndNotSoonAgain) {
    native_free = 5_MiB;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(trims, 1);
    EXPECT_NE(results[0].detail.find("5 MiB of native memory"), std::string::npos) << results[0].detail;
    regulator.accept(order("b", 900_MiB));
    run_until_result(2);
    EXPECT_EQ(trims, 1);
    regulator.accept(order("up", 2_GiB));
    jvm.clock.advance(2min);
    jvm.in_memory = 1_GiB;
    regulator.accept(order("c", 300_MiB));
    run_until_result(4);
    EXPECT_EQ(trims, 2);
}

TEST_F(RegulatorTest, WhatACollectionFoundUsedCountsAsResidentUntilItIsSeen) {
    jvm.in_memory = 500_MiB;
    regulator.look_if_due();
    EXPECT_EQ(regulator.footprint().resident, 500_MiB);
    jvm.peak_used = 1500_MiB;  // eden was full, and is free again
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.footprint().resident, 1500_MiB);
    jvm.clock.advance(10min);
    regulator.look_if_due();
    EXPECT_EQ(regulator.footprint().resident, 500_MiB) << "what is measured counts";
}

TEST_F(RegulatorTest, PutsSettingsBackAgainWhereTheJvmRefusedItOnce) {
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    jvm.refuse_flag = "MaxHeapFreeRatio";
    regulator.lift();
    EXPECT_NE(jvm.flag("MaxHeapFreeRatio"), 70);
    jvm.refuse_flag.clear();
    run(5s);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
}

TEST_F(RegulatorTest, WhatIsHeldCanBeGivenBackAlsoAfterTheJvmRefusedAChunk) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().count(), 0U);
    jvm.refuse_chunks = true;
    jvm.in_memory = 2_GiB;
    regulator.accept(order("b", 512_MiB));
    run_until_result(2);
    EXPECT_EQ(results[1].reason, EndReason::not_reclaimable);
    jvm.in_memory = 2_GiB;
    regulator.accept(order("c", 512_MiB));
    run_until_result(3);
    EXPECT_EQ(results[2].reason, EndReason::unsupported) << "no more chunks in this JVM";
    regulator.accept(order("up", 4_GiB));
    run_until_result(4);
    EXPECT_EQ(results[3].reason, EndReason::met);
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(RegulatorTest, ARollbackBringsBackTheHoldAndTheCapToo) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    jvm.chunk_takes = 1ms;
    SetHeapTarget first = order("a", 3_GiB);
    first.hold = Millis(20'000);
    regulator.accept(first);
    run_until_result();
    SetHeapTarget second = order("b", 256_MiB);
    second.deadline = Millis(300);
    second.on_shortfall = OnShortfall::rollback;
    regulator.accept(second);
    run_until_result(2);
    ASSERT_EQ(results[1].rest, RestIs::rolled_back);
    ASSERT_TRUE(regulator.target());
    run(25s);
    EXPECT_FALSE(regulator.target()) << "the first order's hold is over";
}

TEST_F(RegulatorTest, ACancelIsAnsweredWithWhatIsTrueThen) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    jvm.chunk_takes = 1ms;
    regulator.accept(order("a", 256_MiB));
    run(100ms);
    jvm.live = 3_GiB;  // the program has filled it again
    jvm.in_memory = 3_GiB + 512_MiB;
    regulator.cancel({"", "a", OnShortfall::keep});
    ASSERT_EQ(results.size(), 1U);
    EXPECT_LE(results[0].obtained, 1_GiB);
}

class FullCollections : public RegulatorTest {
protected:
    explicit FullCollections(int allowed = 6)
        : RegulatorTest({0.05, Cap::hard, false, {}, fail(ErrorCode::unsupported, "everything moves"), allowed},
                        &plan_full_collections) {
        jvm.kind = CollectionKind::stop_the_world;
        jvm.garbage = 2_GiB;
    }
};

TEST_F(FullCollections, ShrinkAHeapThatNothingElseMoves) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met);
    EXPECT_LE(jvm.full_gcs, 6U);
    EXPECT_GE(results[0].obtained, 2_GiB);
}

TEST_F(FullCollections, EndWithTheBudgetAndSayWhatIsMissing) {
    regulator.accept(order("a", 200_MiB));
    run_until_result();
    EXPECT_EQ(results[0].reason, EndReason::not_reclaimable);
    EXPECT_EQ(jvm.full_gcs, 6U);
    regulator.accept(order("b", 180_MiB));
    run_until_result(2);
    EXPECT_EQ(jvm.full_gcs, 6U) << "none is left within ten minutes";
    EXPECT_NE(results[1].detail.find("no more full collections"), std::string::npos) << results[1].detail;
}

TEST_F(FullCollections, AreNeverMadeWithoutAnOrder) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    const auto made = jvm.full_gcs;
    jvm.in_memory = jvm.committed = 3_GiB;
    run(60s);
    EXPECT_EQ(jvm.full_gcs, made);
}

}  // namespace
}  // namespace aerostat::agent
