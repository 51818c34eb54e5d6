#include <gmock/gmock.h>

#include "tests/unit/jvm-agent/cycle_heap_fixture.h"

namespace aerostat::agent {
namespace {

using ::testing::HasSubstr;

TEST_F(CycleHeapTest, TellsWhatTheJvmTells) {
    pauses(3);
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.max, 2_GiB);
    EXPECT_EQ(facts.minimum, 8_MiB);
    EXPECT_EQ(facts.region, 4_MiB);
    EXPECT_EQ(facts.committed, 1_GiB);
    EXPECT_EQ(facts.used, 724_MiB);
    EXPECT_EQ(facts.headroom, 160_MiB);
    EXPECT_EQ(facts.pauses, 3U);
    EXPECT_EQ(heap().measure_footprint().value().rss, 700_MiB);
}

TEST_F(CycleHeapTest, IsNotMadeOfAJvmThatTellsTooLittle) {
    jvm.hide("CollectedHeap", "_total_collections");
    EXPECT_THAT(made().error().message, HasSubstr("does not describe its heap"));
}

TEST_F(CycleHeapTest, IsNotMadeWhereNobodySaysWhenItCollects) {
    jvm.take_counters_away();
    EXPECT_THAT(made().error().message, HasSubstr("does not tell when it collects"));
    jvm.set_flag("UsePerfData", 0);
    EXPECT_TRUE(made()) << "then it is reported, and held by nobody";
}

TEST_F(CycleHeapTest, CyclesFromBeforeItsTimeCountForNothing) {
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.young_gcs, 40U);
    EXPECT_EQ(facts.whole_gcs, 0U);
    EXPECT_EQ(facts.stalls, 0U);
    EXPECT_EQ(facts.collecting, false);
}

TEST_F(CycleHeapTest, ACycleCountsWhenItIsOver) {
    static_cast<void>(heap().observe());
    begin_cycle();
    EXPECT_EQ(heap().observe().collecting, true);
    EXPECT_EQ(heap().observe().whole_gcs, 0U);
    end_cycle();
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.collecting, false);
    EXPECT_EQ(facts.whole_gcs, 1U);
    EXPECT_EQ(facts.cycle_pauses, 2U);
    EXPECT_EQ(heap().observe().whole_gcs, 1U) << "once";
}

TEST_F(CycleHeapTest, CyclesThatNobodyLookedAtCountAllTheSame) {
    static_cast<void>(heap().observe());
    jvm.collections() += 3;
    EXPECT_EQ(heap().observe().whole_gcs, 3U);
    begin_cycle();
    begin_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 4U) << "of two that began the second still runs";
}

TEST_F(CycleHeapTest, ACauseThatIsToldBeforeItsCycleCountsTakesNothingBack) {
    static_cast<void>(heap().observe());
    begin_cycle();
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
    jvm.set_text("sun.gc.cause", "Proactive");
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
    ++jvm.collections();
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 2U);
}

TEST_F(CycleHeapTest, AnOldCycleThatYoungOnesRunInsideOfCountsOnceAndAtItsEnd) {
    traits.whole_pauses = "sun.gc.collector.2.invocations";
    jvm.counter(traits.whole_pauses) = 5;
    static_cast<void>(heap().observe());
    begin_cycle();
    jvm.counter(traits.whole_pauses) = 7;
    EXPECT_EQ(heap().observe().whole_gcs, 0U);
    ++jvm.collections();  // a young one inside of it
    EXPECT_EQ(heap().observe().whole_gcs, 0U);
    jvm.counter(traits.whole_pauses) = 10;
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
}

TEST_F(CycleHeapTest, OfGenerationsOnlyCyclesOfTheWholeHeapAreWhole) {
    traits.whole_pauses = "sun.gc.collector.2.invocations";
    jvm.counter(traits.whole_pauses) = 5;
    static_cast<void>(heap().observe());
    begin_cycle();
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 0U);
    begin_cycle();
    jvm.counter(traits.whole_pauses) = 7;
    EXPECT_EQ(heap().observe().whole_gcs, 0U) << "it still runs";
    end_cycle();
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.whole_gcs, 1U);
    EXPECT_EQ(facts.young_gcs, 42U);
}

TEST_F(CycleHeapTest, AStallCountsOnceForEachCollectionEvenSeenLate) {
    static_cast<void>(heap().observe());
    begin_cycle("Allocation Stall");
    EXPECT_EQ(heap().observe().stalls, 1U);
    EXPECT_EQ(heap().observe().stalls, 1U);
    end_cycle("Allocation Stall");
    EXPECT_EQ(heap().observe().stalls, 1U);
    begin_cycle("Allocation Stall");
    end_cycle("Allocation Stall");
    EXPECT_EQ(heap().observe().stalls, 2U);
    begin_cycle();
    end_cycle();
    EXPECT_EQ(heap().observe().stalls, 2U);
}

TEST_F(CycleHeapTest, WhatCyclesFreedFollowsFromWhatWasAllocated) {
    jvm.counter("sun.gc.tlab.alloc") = 0;
    static_cast<void>(heap().observe());
    jvm.counter("sun.gc.tlab.alloc") = (100_MiB).count() / 8;
    begin_cycle();
    end_cycle();
    EXPECT_EQ(heap().observe().freed, 100_MiB) << "as much is used as before";
    jni.runtime.free = 400_MiB;
    jvm.counter("sun.gc.tlab.alloc") = 0;
    begin_cycle();
    end_cycle();
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.freed, 200_MiB);
    EXPECT_EQ(facts.allocated, 100_MiB);
}

class DatedCyclesTest : public CycleHeapTest {
protected:
    DatedCyclesTest() { traits.most_pauses = 3; }
    void real_pauses(int count) {
        for (int i = 0; i < count; ++i) {
            signals.start_of_pause();
            signals.end_of_pause();
        }
    }
};

TEST_F(DatedCyclesTest, ACycleThatIsSeenRunningBeganWithItsFirstPause) {
    real_pauses(5);
    EXPECT_FALSE(heap().observe().cycle_began) << "none seen yet";
    begin_cycle();
    EXPECT_FALSE(heap().observe().cycle_began) << "its first pause is still to come";
    real_pauses(1);
    EXPECT_EQ(heap().observe().cycle_began, signals.start_of(6));
    real_pauses(2);
    end_cycle();
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.cycle_began, signals.start_of(6));
    EXPECT_EQ(facts.cycle_length, *signals.start_of(8) - *signals.start_of(6));
    EXPECT_EQ(heap().observe().cycle_began, signals.start_of(6)) << "until there is a newer one";
}

TEST_F(DatedCyclesTest, OfCyclesThatNobodyLookedAtTheNewestHasTheLastPauses) {
    static_cast<void>(heap().observe());
    begin_cycle();
    real_pauses(2);  // a short one
    end_cycle();
    EXPECT_EQ(heap().observe().cycle_began, signals.start_of(1));
    jvm.collections() += 3;
    real_pauses(9);
    EXPECT_EQ(heap().observe().cycle_began, signals.start_of(9));
}

// Younger than it is: of an old cycle that a young one ran inside of, less counts as born meanwhile than was.
TEST_F(DatedCyclesTest, WithGenerationsTheNewestCycleIsNotOlderThanItsLastPauses) {
    traits.whole_pauses = "sun.gc.collector.2.invocations";
    jvm.counter(traits.whole_pauses) = 5;
    static_cast<void>(heap().observe());
    begin_cycle();
    real_pauses(3);
    ++jvm.collections();
    real_pauses(5);
    jvm.counter(traits.whole_pauses) = 10;
    end_cycle();
    EXPECT_EQ(heap().observe().cycle_began, signals.start_of(6));
}

TEST_F(DatedCyclesTest, WhereCyclesCannotBeToldApartNothingIsDated) {
    traits.most_pauses = 0;
    static_cast<void>(heap().observe());
    begin_cycle();
    real_pauses(3);
    end_cycle();
    EXPECT_FALSE(heap().observe().cycle_began);
}

class CyclesByPausesTest : public CycleHeapTest {
protected:
    CyclesByPausesTest() { traits.pauses_a_cycle = 4; }
};

TEST_F(CyclesByPausesTest, ACycleIsSeenByItsCauseHoweverFewPausesItHas) {
    static_cast<void>(heap().observe());
    begin_cycle();
    EXPECT_EQ(heap().observe().young_gcs, 1U);
    pauses(2);
    EXPECT_EQ(heap().observe().young_gcs, 1U);
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
}

TEST_F(CyclesByPausesTest, OneThatWasMissedIsSeenByItsPauses) {
    static_cast<void>(heap().observe());
    pauses(4);
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
}

TEST_F(CyclesByPausesTest, CyclesWithoutABreakAreToldApartByTheFullNumberOfPauses) {
    static_cast<void>(heap().observe());
    begin_cycle();
    static_cast<void>(heap().observe());
    pauses(4);
    EXPECT_EQ(heap().observe().young_gcs, 1U);
    pauses(1);
    EXPECT_EQ(heap().observe().young_gcs, 2U) << "the fifth belongs to the next";
    pauses(3);
    end_cycle();
    EXPECT_EQ(heap().observe().whole_gcs, 2U);
}

TEST_F(CyclesByPausesTest, OfCyclesThatLookAlikeOnlyThoseThatWereAskedForAreWhole) {
    traits.whole_causes = {"System.gc()", "Diagnostic Command"};
    static_cast<void>(heap().observe());
    for (const char* cause : {"Concurrent GC", "Allocation Failure", "Concurrent GC"}) {
        begin_cycle(cause);
        static_cast<void>(heap().observe());
        pauses(4);
        end_cycle(cause);
        EXPECT_EQ(heap().observe().whole_gcs, 0U) << cause;
    }
    EXPECT_EQ(heap().observe().young_gcs, 3U) << "cycles all the same";
    EXPECT_EQ(heap().observe().cycle_pauses, 6U) << "guard and drives count each";
    begin_cycle("Diagnostic Command");
    EXPECT_EQ(heap().observe().whole_gcs, 0U) << "it still runs";
    end_cycle("Diagnostic Command");
    const HeapFacts facts = heap().observe();
    EXPECT_EQ(facts.whole_gcs, 1U);
    EXPECT_EQ(facts.cycle_pauses, 8U);
    pauses(4);  // one that nobody looked at, long after
    jvm.set_text("sun.gc.lastCause", "Concurrent GC");
    EXPECT_EQ(heap().observe().whole_gcs, 1U);
}

}  // namespace
}  // namespace aerostat::agent
