#include "tests/unit/jvm-agent/calm_heap.h"

// A G1 heap whose target is raised, or whose program outgrows it: how it grows, and that chunks do not make it grow.
namespace aerostat::agent {
namespace {

TEST_F(CalmHeap, AHigherTargetEndsAStepAtOnce) {
    work(25, 0.05);
    work(11);
    wait_for_step();
    regulator.accept(order("b", 800_MiB));
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_EQ(results.back().reason, EndReason::met);
    static_cast<void>(regulator.advance(gc));
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_LE(regulator.balloon().size().granted, 736_MiB);
}

// G1 would count the chunks as the program's, and commit as much again beside them.
TEST_F(CalmHeap, ASlightlyHigherTargetLeavesWhatWasReached) {
    work(30);
    ASSERT_LT(jvm.committed + 200_MiB, size);
    ASSERT_GT(regulator.balloon().size().granted, 300_MiB);
    regulator.accept(order("b", 340_MiB));
    EXPECT_LE(jvm.flag("MinHeapFreeRatio"), 5);
    EXPECT_LT(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    work(100);
    EXPECT_LE(jvm.committed, 425_MiB);
}

TEST_F(CalmHeap, AMuchHigherTargetIsGivenByChunksFirst) {
    work(30);
    const Bytes committed = jvm.committed;
    ASSERT_GT(committed, 500_MiB);
    ASSERT_LT(committed, 900_MiB);
    regulator.accept(order("b", committed));
    EXPECT_EQ(regulator.balloon().count(), 0U);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
}

TEST_F(CalmHeap, GrowsToAHigherTargetWithTheNextRemark) {
    work(120);
    ASSERT_LE(jvm.committed, 375_MiB);
    regulator.accept(order("b", 700_MiB));
    work(1);
    jvm.cycle();
    EXPECT_GE(jvm.committed, 400_MiB) << "whatever the JVM's own least free ratio";
    for (int i = 0; i < 5; ++i) {
        work(1);
        jvm.cycle();
    }
    EXPECT_LE(jvm.committed, 720_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 24_MiB);
}

TEST_F(CalmHeap, ThatCollectsIsMadeAsLargeAsAMuchHigherTarget) {
    work(120);
    ASSERT_LE(jvm.committed, 375_MiB);
    const auto cycles = jvm.cycle_pauses;
    regulator.accept(order("b", 700_MiB));
    work(30);
    EXPECT_GE(jvm.committed, 600_MiB);
    EXPECT_LE(jvm.committed, 720_MiB);
    work(60);
    EXPECT_LE(jvm.cycle_pauses - cycles, 2 * 2U) << "one or two cycles do";
    EXPECT_LE(most, 710_MiB);
}

TEST_F(CalmHeap, ThatDoesNotCollectNeedsNoMoreThanItHas) {
    work(120);
    const Bytes committed = jvm.committed;
    run(12s);
    regulator.accept(order("b", 700_MiB));
    run(60s);
    EXPECT_EQ(jvm.committed, committed);
}

// Else each remark would find them occupied, and make room beside them for chunks again.
TEST_F(CalmHeap, NoRemarkMakesRoomBesideItsChunks) {
    jvm.live = 200_MiB;
    work(20, 0.05);
    const Bytes committed = jvm.committed;
    for (int i = 0; i < 10; ++i) {
        regulator.accept(order("b" + std::to_string(i), 300_MiB + 8_MiB * static_cast<std::uint64_t>(i % 3)));
        work(2, 0.05);
        jvm.cycle();
    }
    EXPECT_LE(jvm.committed, committed);
}

TEST_F(CalmHeap, OfAProgramThatGrowsIsItsOwn) {
    work(120);
    while (jvm.live < 1_GiB) {
        jvm.live += 32_MiB;
        work(1);
    }
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_GE(jvm.flag("MinHeapFreeRatio"), 30) << "the JVM's own, but for the few chunks that are left";
    EXPECT_LE(regulator.balloon().size().granted, 250_MiB);
    EXPECT_FALSE(pressures.empty());
    EXPECT_EQ(jvm.full_gcs, 0U);
}

// One that is full of chunks when it begins to grow.
TEST_F(CalmHeap, ThatIsOutgrownMakesNoRoomForChunksBesideThem) {
    regulator.accept(order("b", 300_MiB));
    jvm.max = 4_GiB;
    while (pressures.empty() && jvm.live < 600_MiB) {
        jvm.live += 16_MiB;
        run(200ms);
        jvm.young_gc();
    }
    ASSERT_FALSE(pressures.empty());
    const Bytes program = saturating_sub(jvm.committed, jvm.balloon());
    for (int i = 0; i < 6; ++i) {
        run(300ms);
        jvm.cycle();
    }
    EXPECT_LE(saturating_sub(jvm.committed, jvm.balloon()), std::max(program, share_of(jvm.live, 1 / 0.55)));
}

}  // namespace
}  // namespace aerostat::agent
