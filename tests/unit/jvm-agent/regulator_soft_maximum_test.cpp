#include "tests/unit/jvm-agent/regulator_fixture.h"

// A heap whose collector soon gives back what it does not use (ZGC with a short ZUncommitDelay).
namespace aerostat::agent {
namespace {

class KeepsItselfSmall : public RegulatorTest {
protected:
    KeepsItselfSmall() : RegulatorTest({}, &plan_soft_maximum) {
        jvm.kind = CollectionKind::whole_heap_cycles;
        jvm.levers_give = false;
        jvm.flags = {{"SoftMaxHeapSize", {4LL << 30, false}},
                     {"MinHeapFreeRatio", {0, false}},
                     {"MaxHeapFreeRatio", {0, false}},
                     {"G1PeriodicGCInterval", {0, false}}};
        jvm.max = 4_GiB;
        jvm.committed = jvm.in_memory = 3_GiB;
        jvm.live = 300_MiB;
        jvm.garbage = 2_GiB;
        jvm.headroom = 400_MiB;
        jvm.gives_back_after = 3s;
    }
    /// The collector at work: a cycle when hardly anything is free below the soft maximum.
    void work(Duration time) {
        for (const TimePoint until = jvm.clock.now() + time; jvm.clock.now() < until;) {
            run(10ms);
            if (jvm.used() > share_of(Bytes(static_cast<std::uint64_t>(jvm.flag("SoftMaxHeapSize"))), 0.9)) jvm.cycle();
        }
    }
    void work_until_result(std::size_t count = 1) {
        for (int i = 0; i < 6000 && results.size() < count; ++i) work(10ms);
        ASSERT_GE(results.size(), count);
    }
    SetHeapTarget firmly(std::string op, Bytes target, Cap cap = Cap::firm) {
        SetHeapTarget asked = order(std::move(op), target);
        asked.cap = cap;
        asked.deadline = 20s;
        return asked;
    }
};

TEST_F(KeepsItselfSmall, MeetsAnOrderWithoutAChunk) {
    regulator.accept(firmly("a", 1_GiB));
    work_until_result();
    EXPECT_EQ(results[0].reason, EndReason::met) << results[0].detail;
    EXPECT_GE(results[0].elapsed, Millis(3000)) << "no sooner than the collector gives back";
    EXPECT_LE(jvm.resident_heap(), 1_GiB);
    EXPECT_EQ(jvm.chunk_count(), 0U);
}

TEST_F(KeepsItselfSmall, IsHeldWithoutAChunk) {
    regulator.accept(firmly("a", 1_GiB));
    work_until_result();
    for (int i = 0; i < 300; ++i) {
        jvm.garbage += 50_MiB;
        work(200ms);
        EXPECT_LE(jvm.used(), 1_GiB);
    }
    EXPECT_EQ(jvm.chunk_count(), 0U);
    EXPECT_EQ(regulator.held_how(), "by its soft maximum");
    EXPECT_TRUE(pressures.empty());
}

TEST_F(KeepsItselfSmall, IsAtItsFloorOnlyWhenNothingMoreIsGivenBack) {
    regulator.accept(firmly("a", 100_MiB));
    work_until_result();
    EXPECT_EQ(results[0].reason, EndReason::floor) << results[0].detail;
    EXPECT_GE(results[0].elapsed, Millis(3000));
    EXPECT_LE(jvm.resident_heap(), 310_MiB);
    EXPECT_EQ(jvm.chunk_count(), 0U);
}

TEST_F(KeepsItselfSmall, IsFilledWithChunksWhereThatIsOrderedAndFreedOfThemWhereItIsNotAnyMore) {
    regulator.accept(firmly("a", 1_GiB, Cap::hard));
    work_until_result();
    work(60s);
    ASSERT_GT(jvm.chunk_count(), 0U);
    regulator.accept(firmly("b", 1_GiB));
    work(5s);
    EXPECT_EQ(jvm.chunk_count(), 0U);
}

TEST_F(KeepsItselfSmall, BelowWhatItNeverGivesBackNeedsChunks) {
    jvm.minimum = 2_GiB;
    regulator.accept(firmly("a", 1_GiB));
    work_until_result();
    EXPECT_GT(jvm.chunk_count(), 0U);
}

TEST(Headroom, IsLessBelowALowerSoftMaximum) {
    HeapFacts heap;
    heap.max = 4_GiB;
    heap.headroom = 400_MiB;
    EXPECT_EQ(headroom_at(heap, 1_GiB), 400_MiB) << "none of it is a share";
    heap.headroom_share = 1.0 / 16;
    EXPECT_EQ(headroom_at(heap, 4_GiB), 400_MiB);
    EXPECT_EQ(headroom_at(heap, 2_GiB), 272_MiB);
}

}  // namespace
}  // namespace aerostat::agent
