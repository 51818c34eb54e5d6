#include "tests/unit/jvm-agent/regulator_fixture.h"

// What orders meet beside the heap: native memory, refusals, rollbacks, and full collections that have to be allowed.
namespace aerostat::agent {
namespace {

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

TEST_F(RegulatorTest, WhatAMarkingsPauseLeavesIsABoundOfWhatTheProgramHolds) {
    jvm.live = 300_MiB;
    jvm.garbage = 100_MiB;
    jvm.young_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.application(), 400_MiB);
    jvm.garbage = 600_MiB;  // eden
    jvm.remark();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.application(), 400_MiB) << "nothing has left the young generation";
    jvm.garbage = 50_MiB;
    jvm.remark();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.application(), 350_MiB) << "what it found dead is gone";
    jvm.live = 500_MiB;
    jvm.young_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.application(), 550_MiB);
}

TEST_F(RegulatorTest, ChunksMadeSinceTheLastCollectionAreNotTakenOffWhatTheProgramHolds) {
    jvm.live = 600_MiB;
    jvm.young_gc();
    static_cast<void>(regulator.advance(gc));
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().size().granted, 500_MiB);
    jvm.remark();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(regulator.application(), 600_MiB);
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
    EXPECT_EQ(results[2].reason, EndReason::not_reclaimable) << "no more chunks in this JVM";
    regulator.accept(order("up", 4_GiB));
    run_until_result(4);
    EXPECT_EQ(results[3].reason, EndReason::met);
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(RegulatorTest, ABalloonWhosePagesTheKernelKeepsIsLetGo) {
    jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    ASSERT_GT(regulator.balloon().count(), 0U);
    jvm.locked = true;
    jvm.back_in_each_chunk = jvm.region;
    run(25s);
    EXPECT_EQ(regulator.balloon().count(), 0U);
    jvm.young_gc();
    jvm.in_memory = jvm.max;
    run(1s);
    regulator.accept(order("b", 512_MiB));
    run_until_result(2);
    EXPECT_EQ(results[1].reason, EndReason::not_reclaimable);
    EXPECT_EQ(results[1].detail, "locked in memory");
    regulator.switch_off("switched off");
    regulator.accept(order("c", 512_MiB));
    run_until_result(3);
    EXPECT_EQ(results[2].reason, EndReason::unsupported);
    EXPECT_EQ(results[2].detail, "switched off");
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
    EXPECT_NE(results[1].detail.find("no more collections"), std::string::npos) << results[1].detail;
}

TEST_F(FullCollections, AreNeverMadeWithoutAnOrder) {
    regulator.accept(order("a", 1_GiB));
    run_until_result();
    const auto made = jvm.full_gcs;
    jvm.in_memory = jvm.committed = 3_GiB;
    run(60s);
    EXPECT_EQ(jvm.full_gcs, made);
}

class PinnedHeap : public RegulatorTest {
protected:
    PinnedHeap() : RegulatorTest({0.05, Cap::hard, false, fail(ErrorCode::denied, "the heap is locked in memory"), {}}) {}
};

TEST_F(PinnedHeap, IsNotReclaimableAndNothingIsTouched) {
    regulator.accept(order("a", 1_GiB));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].reason, EndReason::not_reclaimable);
    EXPECT_EQ(results[0].detail, "the heap is locked in memory");
    EXPECT_TRUE(jvm.flag_calls.empty());
    EXPECT_EQ(regulator.balloon().count(), 0U);
}

TEST_F(RegulatorTest, WhereTheJvmRefusesASettingTheAnswerSaysWhatIsMissing) {
    jvm.refuse_flag = "MaxHeapFreeRatio";
    jvm.live = 2_GiB;
    regulator.accept(order("a", 256_MiB));
    run_until_result();
    EXPECT_GT(results[0].shortfall, 0_B);
    EXPECT_NE(results[0].detail.find("settings could not be changed"), std::string::npos) << results[0].detail;
}

/// A program with a threshold on a memory pool, such as MemoryPoolMXBean.setUsageThreshold() sets.
class AlarmedProgram : public RegulatorTest {
protected:
    void expect_no_alarm() const { EXPECT_LE(jvm.used(), std::max(alarm, jvm.live + jvm.garbage)); }
    /// As it grows, with collections as often as a busy program has them.
    void grow_to(Bytes live) {
        while (jvm.live < live) {
            jvm.live += 16_MiB;
            jvm.young_gc();
            run(20ms);
            jvm.young_gc();
            expect_no_alarm();
        }
    }
};

TEST_F(AlarmedProgram, IsNotAlarmedByABalloon) {
    alarm = 2_GiB;
    SetHeapTarget hard = order("a", 256_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result();
    run(60s);
    EXPECT_GT(regulator.balloon().count(), 0U);
    expect_no_alarm();
    grow_to(alarm);
    EXPECT_EQ(regulator.balloon().count(), 0U) << "where it must be alarmed itself, nothing of ours is left";
}

TEST_F(AlarmedProgram, ThatSetsItsThresholdLaterGetsTheRoomBack) {
    SetHeapTarget hard = order("a", 256_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result();
    run(60s);
    ASSERT_GT(jvm.used(), 2_GiB);
    alarm = 1_GiB;
    run(1s);
    jvm.young_gc();
    expect_no_alarm();
}

}  // namespace
}  // namespace aerostat::agent
