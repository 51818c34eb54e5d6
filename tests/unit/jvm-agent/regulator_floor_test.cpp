#include "tests/unit/jvm-agent/regulator_fixture.h"

// Orders for more than there is: what they may cost the program, and what is reported of them.
namespace aerostat::agent {
namespace {

class OrderedTooLow : public RegulatorTest {
protected:
    void SetUp() override {
        jvm.live = 1_GiB;
        regulator.accept(order("first", 64_MiB));
        run_until_result();
        ASSERT_EQ(results[0].reason, EndReason::floor);
    }
    const OperationResult& ask_again(const std::string& op, Bytes target) {
        const std::size_t before = results.size();
        regulator.accept(order(op, target));
        run_until_result(before + 1);
        return results.back();
    }
    /// The program is at work: it makes collections necessary.
    void work(Duration time) {
        for (Duration done{}; done < time; done += 1s) {
            jvm.young_gc();
            run(1s);
        }
    }
};

TEST_F(OrderedTooLow, TheSameOrderAgainIsAnsweredWithoutACycle) {
    const auto cycles = jvm.cycle_pauses;
    EXPECT_EQ(ask_again("b", 64_MiB).reason, EndReason::floor);
    EXPECT_EQ(ask_again("c", 32_MiB).reason, EndReason::floor);
    EXPECT_EQ(jvm.cycle_pauses, cycles);
    EXPECT_EQ(results.back().elapsed, Millis(0));
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_LT(jvm.flag("MaxHeapFreeRatio"), 70) << "what it holds stays held";
}

TEST_F(OrderedTooLow, TheFloorReportedIsWhatWasReached) {
    EXPECT_LE(regulator.floor(), share_of(regulator.footprint().resident, 1.05));
    EXPECT_GE(regulator.floor() + 1_MiB, regulator.footprint().resident);
}

TEST_F(OrderedTooLow, AFirstTryIsBounded) { EXPECT_LE(jvm.cycle_pauses, 2 * 8U); }

TEST_F(OrderedTooLow, LaterItIsTriedAgainAndThenBelievedForLonger) {
    work(31s);
    auto cycles = jvm.cycle_pauses;
    EXPECT_EQ(ask_again("b", 64_MiB).reason, EndReason::floor);
    EXPECT_GT(jvm.cycle_pauses, cycles);
    work(31s);
    cycles = jvm.cycle_pauses;
    EXPECT_EQ(ask_again("c", 64_MiB).reason, EndReason::floor);
    EXPECT_EQ(jvm.cycle_pauses, cycles);
}

// Data may die unseen then, and a cycle costs nobody anything; each that finds the same is believed for longer.
TEST_F(OrderedTooLow, WhenTheProgramHasFallenSilentItIsTriedAgain) {
    work(5s);
    EXPECT_GT(regulator.floor(), 900_MiB);
    jvm.live = 100_MiB;  // and no collection shows it
    run(12s);
    regulator.look_if_due();
    EXPECT_LT(regulator.floor(), 100_MiB);
    EXPECT_EQ(ask_again("b", 512_MiB).reason, EndReason::met);
}

TEST_F(OrderedTooLow, WhenLessIsAliveItIsTriedAtOnce) {
    jvm.live = 256_MiB;
    jvm.young_gc();
    run(100ms);
    ask_again("b", 512_MiB);
    EXPECT_EQ(results.back().reason, EndReason::met);
    EXPECT_LE(regulator.footprint().resident, 512_MiB);
}

TEST_F(OrderedTooLow, CyclesThatOnlyHeldTheTargetEndWithTheNextOrder) {
    run(12s);
    jvm.committed = jvm.in_memory = share_of(regulator.footprint().resident, 1.1);
    jvm.clock.advance(60s);
    regulator.look_if_due();
    static_cast<void>(regulator.advance(gc));
    ASSERT_GT(jvm.flag("G1PeriodicGCInterval"), 0) << "it is squeezed again";
    regulator.accept(order("b", 64_MiB));
    run_until_result(2);
    run(1s);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
}

TEST_F(RegulatorTest, CyclesThatHoldATargetEndWithIt) {
    SetHeapTarget elastic = order("a", 1_GiB);
    elastic.cap = Cap::elastic;
    jvm.garbage = 2_GiB;
    regulator.accept(elastic);
    run_until_result();
    run(30s);
    regulator.look_if_due();
    const auto cycles = jvm.cycle_pauses;
    jvm.peak_used = jvm.committed = jvm.in_memory = 2_GiB;
    run(15s);
    EXPECT_EQ(jvm.cycle_pauses, cycles + 2);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
}

TEST_F(RegulatorTest, ProgramAndCollectorGetARestFromEachCollectionThatWasAskedFor) {
    jvm.garbage = 2_GiB;
    regulator.accept(order("a", 200_MiB));
    const auto interval_after = [this](Duration time) {
        jvm.clock.advance(time);
        for (int i = 0; i < 3; ++i) static_cast<void>(regulator.advance(gc));
        return jvm.flag("G1PeriodicGCInterval");
    };
    EXPECT_EQ(interval_after(10ms), 20) << "at the next opportunity";
    jvm.young_gc();
    EXPECT_EQ(interval_after(10ms), 20) << "that was the program's own";
    jvm.was_periodic = true;
    jvm.young_gc();
    EXPECT_GE(interval_after(10ms), 200);
    EXPECT_EQ(interval_after(200ms), 20);
}

TEST_F(OrderedTooLow, AHeapThatHasGrownIsBroughtBackToWhereItWas) {
    const Bytes reached = regulator.footprint().resident;
    regulator.accept(order("lift", 4_GiB));
    jvm.committed = jvm.in_memory = 3_GiB;
    jvm.garbage = 1_GiB;
    run(1s);
    const auto& again = ask_again("b", 64_MiB);
    EXPECT_EQ(again.reason, EndReason::floor);
    EXPECT_GT(again.obtained, 1_GiB);
    EXPECT_LE(regulator.footprint().resident, reached + jvm.region);
}

TEST_F(OrderedTooLow, HoweverOftenAHeapGrowsAndIsBroughtBackTheFloorStaysWhereItIs) {
    const Bytes first = regulator.floor();
    jvm.keeps = 0.8;
    jvm.chunk_takes = 20ms;
    for (int round = 0; round < 5; ++round) {
        regulator.accept(order("lift" + std::to_string(round), 4_GiB));
        run(15s);
        jvm.young_gc();
        jvm.committed = jvm.in_memory = share_of(regulator.floor(), 1.3);
        run(100ms);
        const auto& again = ask_again("b" + std::to_string(round), 64_MiB);
        EXPECT_EQ(again.reason, EndReason::floor);
        EXPECT_LE(regulator.floor(), first + jvm.region) << round;
        EXPECT_LE(regulator.footprint().resident, first + jvm.region) << round;
    }
}

TEST_F(OrderedTooLow, WhatTheHeapHasGrownByIsTried) {
    run(5s);
    regulator.look_if_due();
    const Bytes reached = regulator.footprint().resident;
    regulator.accept(order("lift", 4_GiB));
    jvm.committed = jvm.in_memory = share_of(reached, 1.1);
    jvm.young_gc();
    run(100ms);
    const auto cycles = jvm.cycle_pauses;
    ask_again("b", share_of(reached, 1.02));
    EXPECT_GT(jvm.cycle_pauses, cycles);
}

TEST_F(OrderedTooLow, AfterCollectionsInVainItIsSqueezedAgainAMinuteLaterWhateverWasAnsweredMeanwhile) {
    const auto grow = [this] {
        jvm.clock.advance(2s);
        jvm.committed = jvm.in_memory = share_of(regulator.footprint().resident, 1.2);
        regulator.look_if_due();
        static_cast<void>(regulator.advance(gc));
        return jvm.flag("G1PeriodicGCInterval") > 0;
    };
    work(20s);
    const auto cycles = jvm.cycle_pauses;
    ASSERT_EQ(ask_again("b", 64_MiB).reason, EndReason::floor);
    work(30s);
    EXPECT_FALSE(grow());
    ASSERT_EQ(jvm.cycle_pauses, cycles);
    jvm.clock.advance(10s);
    EXPECT_TRUE(grow());
}

TEST_F(RegulatorTest, WhatCouldNotBeHadWhileTheGuardBackedOffIsNoFloorWhenItNoLongerDoes) {
    jvm.live = 200_MiB;
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    regulator.accept(order("a", 2_GiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().count(), 0U);
    jvm.full_gc();
    run(10ms);
    jvm.in_memory = 3_GiB;
    regulator.accept(order("b", 1_GiB));
    run_until_result(2);
    ASSERT_EQ(results[1].reason, EndReason::gc_distress);
    EXPECT_GE(regulator.floor(), 2_GiB);
    jvm.clock.advance(11s);
    jvm.young_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_LE(regulator.floor(), 850_MiB) << "what the collector needs beside chunks";
}

TEST_F(RegulatorTest, ATryThatItsDeadlineCutShortIsNotTakenForAllThereIs) {
    jvm.live = 250_MiB;
    jvm.committed = jvm.in_memory = 270_MiB;
    alarm = kAlarmUnknown;  // no chunks
    SetHeapTarget brief = order("a", 64_MiB);
    brief.deadline = Millis(500);
    regulator.accept(brief);
    static_cast<void>(regulator.advance(gc));
    jvm.cycle();  // the only one within its time, and it gives nothing
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(regulator.advance(gc));
        jvm.clock.advance(100ms);
    }
    ASSERT_EQ(results.size(), 1U);
    ASSERT_EQ(results[0].reason, EndReason::deadline);
    const auto cycles = jvm.cycle_pauses;
    regulator.accept(order("b", 64_MiB));
    run_until_result(2);
    EXPECT_GT(jvm.cycle_pauses, cycles) << "it is tried, not remembered";
}

// What a try ended at is no reason to end the next one: what it finds would always be the same.
TEST_F(OrderedTooLow, ANewTryIsNotEndedByWhatTheOneBeforeItReached) {
    const Bytes reached = regulator.floor();
    regulator.accept(order("lift", 4_GiB));
    jvm.committed = jvm.in_memory = 3_GiB;
    jvm.live = share_of(jvm.live, 0.9);  // too little for noise
    run(1s);
    jvm.garbage = 1_GiB;
    ask_again("b", 64_MiB);
    EXPECT_LE(regulator.footprint().resident, share_of(reached, 0.95));
    EXPECT_LE(regulator.floor(), share_of(reached, 0.95));
}

}  // namespace
}  // namespace aerostat::agent
