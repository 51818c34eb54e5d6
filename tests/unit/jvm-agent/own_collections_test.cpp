#include "jvm-agent/decide/own_collections.h"

#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace std::chrono_literals;

class OwnCollectionsTest : public testing::Test {
protected:
    /// A quarter of a second goes by, and is looked at.
    void look(bool causing = false, bool marking = false) {
        clock.advance(250ms);
        own.observe(causing, marking, heap, clock.now());
    }
    void look_for(Duration time, bool marking = false) {
        for (Duration done{}; done < time; done += 250ms) look(false, marking);
    }
    void cycle_pauses() { heap.cycle_pauses += 2; }

    HeapFacts heap = four_gib();
    OwnCollections own;
    ManualClock clock;
};

TEST_F(OwnCollectionsTest, ThoseOfTheProgramAreNotOurs) {
    look(false, true);
    cycle_pauses();
    ++heap.young_gcs;
    look();
    EXPECT_FALSE(own.take());
}

TEST_F(OwnCollectionsTest, WhatWasDrivenBetweenTwoReportsIsOursOnce) {
    heap.kind = CollectionKind::stop_the_world;
    look(true);
    look();
    EXPECT_TRUE(own.take()) << "it was over when the report was made";
    EXPECT_FALSE(own.take());
}

TEST_F(OwnCollectionsTest, ACycleThatWeBeganIsOursUntilItsEnd) {
    heap.kind = CollectionKind::whole_heap_cycles;
    heap.collecting = true;
    look(true);
    look_for(3s);
    EXPECT_TRUE(own.take());
    EXPECT_TRUE(own.take());
    heap.collecting = false;
    look();
    EXPECT_TRUE(own.take()) << "it has ended since";
    EXPECT_FALSE(own.take());
}

TEST_F(OwnCollectionsTest, TheFirstMixedCollectionsThatOurCycleMadePossibleAreOurs) {
    look(true, true);
    cycle_pauses();
    look();
    static_cast<void>(own.take());
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(own.take()) << i;
        ++heap.young_gcs;
        look();
    }
    static_cast<void>(own.take());
    ++heap.young_gcs;
    look();
    EXPECT_FALSE(own.take()) << "a heap that is ordered about all the time must be seen, too";
}

TEST_F(OwnCollectionsTest, AProgramAtRestHasNoMixedCollectionsToCome) {
    look(true, true);
    cycle_pauses();
    look_for(4s);
    static_cast<void>(own.take());
    EXPECT_FALSE(own.take());
}

TEST_F(OwnCollectionsTest, ChunksThatStartedNoCycleHaveNoEcho) {
    look(true);
    look();
    static_cast<void>(own.take());
    EXPECT_FALSE(own.take());
}

TEST_F(OwnCollectionsTest, AProgramThatMarksAllTheTimeIsNotTakenForOursForLong) {
    look(true, true);
    for (int i = 0; i < 24; ++i) {
        cycle_pauses();
        look(false, true);
    }
    static_cast<void>(own.take());
    EXPECT_FALSE(own.take());
}

}  // namespace
}  // namespace aerostat::agent
