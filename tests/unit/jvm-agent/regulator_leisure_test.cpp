#include "tests/unit/jvm-agent/calm_heap.h"

// A G1 heap that is calm is held by its size, and made that small step by step.
namespace aerostat::agent {
namespace {

TEST_F(CalmHeap, BecomesAsSmallAsItsTargetAndNeedsNoChunks) {
    work(20);
    most = Bytes();
    work(120);
    EXPECT_LE(jvm.committed, 375_MiB);
    EXPECT_GE(jvm.committed, 300_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 80_MiB);
    EXPECT_LE(most, 310_MiB);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_EQ(jvm.full_gcs, 0U);
}

TEST_F(CalmHeap, OfASmallProgramBecomesAsSmallToo) {  // its balloon for all of -Xmx leaves nothing free of what is committed
    jvm.live = 40_MiB;
    work(1);
    regulator.accept(order("b", 80_MiB));
    run_until_result(2);
    ASSERT_EQ(results[1].reason, EndReason::met);
    work(300);
    EXPECT_LE(jvm.committed, 80_MiB + 64_MiB);
}

TEST_F(CalmHeap, SaysHowItIsHeld) {
    const auto says = [&] { return regulator.held_how(); };
    work(1);
    EXPECT_EQ(says().rfind("by chunks", 0), 0U) << says();
    work(120);
    EXPECT_EQ(says(), "by its size");
    auto hard = order("b", 290_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result(2);
    EXPECT_EQ(says(), "by chunks, as ordered (cap hard)");
    jvm.full_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(says(), "by chunks, as ordered (cap hard)");
    regulator.lift();
    EXPECT_EQ(says(), "");
}

TEST_F(CalmHeap, WithSettingsOfTheOperatorsSaysSo) {
    jvm.flags.at("MaxHeapFreeRatio").by_operator = true;
    regulator.accept(order("b", 290_MiB));
    run_until_result(2);
    work(30);
    EXPECT_EQ(regulator.held_how(), "by chunks: the heap's own settings cannot be used");
}

TEST_F(CalmHeap, NoMoreThanItsTargetMayBecomeResidentMeanwhile) {
    work(40, 0.05);  // a firm balloon
    ASSERT_EQ(jvm.committed, size);
    for (int i = 0; i < 4000; ++i) {
        static_cast<void>(regulator.advance(gc));
        EXPECT_LE(saturating_sub(jvm.committed, regulator.balloon().size().granted), 300_MiB + jvm.region * 2);
        run(20ms);
        if (i % 50 == 0) jvm.young_gc();
    }
    EXPECT_LE(jvm.committed, 375_MiB);
}

TEST_F(CalmHeap, IsNotTouchedBeforeItsBalloonIsWhole) {
    regulator.lift();
    jvm.young_gc();
    jvm.committed = jvm.max;
    jvm.in_memory = 310_MiB;
    jvm.keeps = 1;
    jvm.chunk_takes = jvm.chunk_cpu = 4ms;
    regulator.accept(order("b", 300_MiB));
    run_until_result(2);
    const auto& held = regulator.balloon();
    const auto is_whole = [&] { return saturating_sub(jvm.committed, held.size().granted) <= 370_MiB; };
    ASSERT_FALSE(is_whole());
    Bytes least = jvm.committed;
    int seconds = 0;
    for (; seconds < 600 && !is_whole(); ++seconds) {
        work(1);
        EXPECT_GE(jvm.committed, least);
        least = std::max(least, jvm.committed);
    }
    EXPECT_GT(seconds, 20);
    EXPECT_TRUE(is_whole());
    jvm.keeps = 0;
    work(120);
    EXPECT_LE(jvm.committed, 375_MiB);
}

TEST_F(CalmHeap, CreepsNeitherUpNorDownOverMinutes) {
    work(120);
    const Bytes small = jvm.committed;
    const auto cycles = jvm.cycle_pauses;
    most_may_be = Bytes();
    for (int i = 0; i < 120; ++i) {
        work(5);
        jvm.garbage = 10_MiB * (static_cast<std::uint64_t>(i) * 7 % 11);
        jvm.cycle();  // of the program's own
    }
    EXPECT_EQ(jvm.committed, small);
    EXPECT_LE(jvm.cycle_pauses - cycles, 2 * 122U) << "none of ours";
    EXPECT_LE(most_may_be, 310_MiB);
    EXPECT_TRUE(pressures.empty());
}

TEST_F(CalmHeap, ThatCollectsMuchIsHeldByAFirmBalloon) {
    work(300, 0.04);
    EXPECT_GE(jvm.committed, size);
    EXPECT_LE(saturating_sub(jvm.committed, jvm.balloon()), 320_MiB);
}

TEST_F(CalmHeap, WhatItsCollectorCommitsAllTheSameChunksTakeAtOnce) {
    work(120);
    commit_more(300_MiB);
    work(2, 0.05);
    EXPECT_LE(jvm.resident_heap(), 310_MiB);
    const Bytes committed = jvm.committed;
    work(60, 0.05);
    EXPECT_LE(saturating_sub(jvm.committed, jvm.balloon()), 320_MiB);
    EXPECT_EQ(jvm.committed, committed) << "and no more than that";
}

TEST_F(CalmHeap, OneThatIsMadeLargerAllTheTimeIsLeftAloneMostOfIt) {
    work(120);
    int made_smaller = 0;
    for (int i = 0; i < 3600; ++i) {
        const Bytes before = jvm.committed;
        work(1);
        if (jvm.committed < before) ++made_smaller;
        if (jvm.committed < 500_MiB) commit_more(1_GiB);
    }
    EXPECT_LE(made_smaller, 10 * 11) << "of an hour; ten steps or so each time";
    EXPECT_GE(made_smaller, 10);
}

TEST_F(CalmHeap, InDistressKeepsWhatItHas) {
    work(25, 0.05);
    work(11);
    wait_for_step();
    jvm.full_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    const Bytes before = jvm.committed;
    work(20);
    EXPECT_EQ(jvm.committed, before);
}

TEST_F(CalmHeap, WhoseSettingsAreRefusedKeepsItsChunks) {
    work(25, 0.05);
    jvm.refuse_flag = "G1PeriodicGCInterval";
    work(60);
    EXPECT_GE(jvm.committed, size);
    EXPECT_LE(saturating_sub(jvm.committed, regulator.balloon().size().granted), 320_MiB);
    jvm.refuse_flag.clear();
    work(700);
    EXPECT_LE(jvm.committed, 375_MiB);
}

TEST_F(CalmHeap, WhoseBalloonLacksLittleIsWholeEnough) {
    regulator.accept(order("b", 310_MiB));
    regulator.accept(order("c", 300_MiB));
    jvm.young_gc();
    ASSERT_LT(regulator.balloon().size().granted + 300_MiB, jvm.max);
    work(140);
    EXPECT_LE(jvm.committed, 375_MiB);
}

TEST_F(CalmHeap, ALowerOneToo) {
    work(25, 0.05);
    work(11);
    wait_for_step();
    regulator.accept(order("b", 220_MiB));
    run_until_result(2);
    EXPECT_EQ(results[1].reason, EndReason::met);
    EXPECT_LE(jvm.resident_heap(), 220_MiB);
}

TEST_F(CalmHeap, AHardOneMakesTheBalloonWholeAgainAndKeepsItSo) {
    work(120);
    ASSERT_LE(jvm.committed, 375_MiB);
    auto hard = order("b", 250_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result(2);
    work(120);
    EXPECT_GE(regulator.balloon().size().granted, 1_GiB);
}

TEST_F(CalmHeap, LiftedHasItsOwnSettingsAgain) {
    work(25, 0.05);
    work(11);
    wait_for_step();
    regulator.lift();
    expect_settings_of_the_jvms_own();
    EXPECT_EQ(regulator.balloon().count(), 0U);
    work(60);
    expect_settings_of_the_jvms_own();
}

TEST_F(CalmHeap, WhoseSettingsAreTheOperatorsIsHeldByChunks) {
    regulator.lift();
    jvm.young_gc();
    jvm.flags.at("MaxHeapFreeRatio").by_operator = true;
    regulator.accept(order("b", 290_MiB));
    run_until_result(2);
    work(120);
    EXPECT_GE(jvm.committed, size);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_LE(saturating_sub(jvm.committed, jvm.balloon()), 320_MiB);
}

TEST_F(CalmHeap, WhatCouldNotBeHadBeforeItWasSmallMayBeTriedAgain) {
    work(25, 0.05);
    ASSERT_GE(jvm.committed, size);
    jvm.keeps = 1;
    jvm.committed = jvm.max;
    jvm.in_memory = 350_MiB;  // what the collector keeps beside the program has been used
    regulator.accept(order("b", 150_MiB));
    run_until_result(2);
    ASSERT_EQ(results[1].reason, EndReason::floor);
    const Bytes floor = regulator.floor();
    jvm.keeps = 0;
    work(100);
    EXPECT_LE(jvm.committed, 420_MiB);
    EXPECT_LT(regulator.floor(), floor);
}

/// Of which the collector has committed little yet.
class SmallYet : public CalmHeap {
protected:
    void SetUp() override {
        jvm.max = 1536_MiB;
        jvm.committed = jvm.in_memory = 160_MiB;
        jvm.live = 60_MiB;
        jvm.grows_at_pauses = 1.0 / 13;
        jvm.young_gc();
        static_cast<void>(regulator.advance(gc));
        regulator.accept(order("a", 140_MiB));
        run_until_result();
    }
};

TEST_F(SmallYet, IsHeldWithoutMakingTheCollectorCommitMore) {
    EXPECT_EQ(results[0].reason, EndReason::met);
    work(120);
    EXPECT_LE(jvm.committed, 160_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 24_MiB);
    EXPECT_LE(most, 141_MiB);
    EXPECT_EQ(regulator.held_how(), "by its size");
}

TEST_F(SmallYet, ThatTheCollectorMakesLargerIsHeldByChunks) {
    work(20);
    commit_more(600_MiB);
    work(5);
    EXPECT_GE(regulator.balloon().size().granted, 500_MiB);
    EXPECT_LE(jvm.resident_heap(), 150_MiB);
    EXPECT_NE(regulator.held_how().find("by chunks"), std::string::npos) << regulator.held_how();
}

class HeapOfChunks : public CalmHeap {
protected:
    HeapOfChunks() : CalmHeap(G1Hold::chunks) {}
};

TEST_F(HeapOfChunks, IsNeverHeldByItsSize) {
    work(200);
    EXPECT_GE(jvm.committed, size);
    EXPECT_GE(regulator.balloon().size().granted, 1_GiB);
}

}  // namespace
}  // namespace aerostat::agent
