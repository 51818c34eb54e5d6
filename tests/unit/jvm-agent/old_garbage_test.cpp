#include "jvm-agent/decide/old_garbage.h"

#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;

/// A program whose young collections promote, and whose cycles find what of that has died.
class Program {
public:
    explicit Program(Bytes occupied) : heap_(four_gib()), occupied_(occupied) { tell(); }

    /// A young collection of `eden`, of which `promoted` stays; old regions give `reclaimed` at the same time.
    void collect(Bytes promoted, Bytes reclaimed = Bytes(), Bytes eden = 100_MiB) {
        occupied_ = saturating_sub(occupied_ + promoted, reclaimed);
        heap_.freed += saturating_sub(eden + reclaimed, promoted);
        ++heap_.young_gcs;
        tell();
    }
    void run(int collections, Bytes promoted) {
        for (int i = 0; i < collections; ++i) collect(promoted);
    }
    void pause_of_cycle(Bytes freed = Bytes()) {
        ++heap_.cycle_pauses;
        heap_.freed += freed;
        occupied_ = saturating_sub(occupied_, freed);
        tell();
    }
    /// What it frees is the balloon's, not the program's.
    void pause_of_cycle_that_frees_chunks(Bytes chunks) {
        ++heap_.cycle_pauses;
        heap_.freed += chunks;
        tell();
    }
    /// A cycle, and the mixed collections after it, while the program goes on promoting.
    void cycle(Bytes promoted, Bytes garbage) {
        pause_of_cycle();
        collect(promoted);
        pause_of_cycle();
        collect(promoted);
        for (int i = 0; i < 4; ++i) collect(promoted, garbage / 4);
        collect(promoted);
    }
    /// A full collection, and pauses of a cycle before it, seen at once.
    void collect_fully(Bytes left, int pauses_of_cycle = 0) {
        heap_.cycle_pauses += static_cast<std::uint64_t>(pauses_of_cycle);
        heap_.freed += saturating_sub(occupied_, left);
        occupied_ = left;
        ++*heap_.full_gcs;
        tell();
    }
    void leave(Bytes waste) { heap_.waste = waste; }
    [[nodiscard]] Bytes alive() const { return saturating_sub(occupied_, garbage_.expected()); }
    [[nodiscard]] Bytes occupied() const { return occupied_; }
    [[nodiscard]] Bytes expected() const { return garbage_.expected(); }

private:
    void tell() { garbage_.observe(heap_, occupied_); }

    HeapFacts heap_;
    Bytes occupied_;
    OldGarbage garbage_;
};

/// 100 MiB are alive; two cycles have shown that what is promoted replaces them, and so much has been promoted again.
Program that_replaces() {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 200_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 270_MiB);
    program.run(20, 10_MiB);
    return program;
}

void expect_about(Bytes value, Bytes truth, Bytes gap) {
    EXPECT_LE(saturating_sub(std::max(value, truth), std::min(value, truth)), gap)
        << format_bytes(value) << " instead of " << format_bytes(truth);
}

TEST(OldGarbage, BeforeAMarkingAllCountsAsAlive) {
    Program program(100_MiB);
    program.run(50, 10_MiB);
    EXPECT_TRUE(program.expected().is_zero());
}

// 100 MiB are alive, and what is promoted replaces them: each cycle has as much to find as was promoted.
TEST(OldGarbage, ComesAgainAsMixedCollectionsHaveFoundIt) {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    for (int i = 0; i < 4; ++i) {
        program.cycle(10_MiB, 200_MiB + (i > 0 ? 70_MiB : 0_B));
        program.run(20, 10_MiB);
    }
    expect_about(program.alive(), 100_MiB, 20_MiB);
    EXPECT_GT(program.occupied(), 300_MiB);
}

TEST(OldGarbage, WhileItIsBeingFoundNothingElseBecomesOfTheLiveSet) {
    Program program = that_replaces();
    program.pause_of_cycle();
    program.collect(10_MiB);
    program.pause_of_cycle();
    for (int i = 0; i < 4; ++i) {
        program.collect(10_MiB, 65_MiB);
        expect_about(program.alive(), 100_MiB, 25_MiB);
    }
}

TEST(OldGarbage, AProgramThatKeepsWhatItPromotesHasNone) {
    Program program(100_MiB);
    for (int i = 0; i < 3; ++i) {
        program.run(20, 50_MiB);
        program.cycle(50_MiB, Bytes());
    }
    EXPECT_EQ(program.alive(), program.occupied());
}

TEST(OldGarbage, IsNeverMoreThanWasFound) {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 200_MiB);
    program.run(100, 40_MiB);
    EXPECT_GE(program.alive(), saturating_sub(program.occupied(), 200_MiB)) << "it loads what it keeps this time";
}

TEST(OldGarbage, ACycleThatHadLittleToFindTeachesNothing) {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 200_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 270_MiB);
    const Bytes before = program.alive();
    program.cycle(1_MiB, 20_MiB);
    program.run(20, 10_MiB);
    expect_about(program.alive(), before, 40_MiB);
}

TEST(OldGarbage, ASearchThatIsCutShortByAnotherCycleGoesOn) {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    for (int i = 0; i < 10; ++i) {  // driven: each marking gives up the mixed collections of the one before
        program.pause_of_cycle();
        program.pause_of_cycle();
        program.collect(1_MiB);
    }
    EXPECT_TRUE(program.expected().is_zero());
    program.collect(10_MiB, 200_MiB);
    program.collect(10_MiB);
    program.run(20, 10_MiB);
    EXPECT_GT(program.expected(), 100_MiB);
}

TEST(OldGarbage, WhatMixedCollectionsLeaveAsNotWorthItIsGarbageToo) {
    Program program(300_MiB);
    program.leave(30_MiB);
    program.cycle(Bytes(), 160_MiB);
    EXPECT_EQ(program.alive(), 110_MiB);
    Program other(300_MiB);
    other.leave(30_MiB);
    other.cycle(Bytes(), Bytes());
    EXPECT_EQ(other.alive(), 300_MiB) << "none came: nobody knows whether there is any";
}

TEST(OldGarbage, AFullCollectionLeavesNoneAndEndsACycleWhereverItIs) {
    Program program(300_MiB);
    program.pause_of_cycle();
    program.collect_fully(100_MiB);
    EXPECT_EQ(program.alive(), 100_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 200_MiB);
    program.run(20, 10_MiB);
    EXPECT_GT(program.expected(), 100_MiB) << "remark and cleanup are told apart again";
}

// Parallel and Serial: there is no other way to learn.
TEST(OldGarbage, OneThatOnlyFullCollectionsFindComesAgainAsTheyFoundIt) {
    Program program(20_MiB);
    program.run(8, 10_MiB);  // it loads: 100 MiB are alive
    EXPECT_TRUE(program.expected().is_zero());
    for (int i = 0; i < 2; ++i) {
        program.run(30, 10_MiB);
        program.collect_fully(100_MiB);
    }
    program.run(20, 10_MiB);
    EXPECT_EQ(program.occupied(), 300_MiB);
    expect_about(program.alive(), 100_MiB, 5_MiB);
    program.run(40, 10_MiB);
    EXPECT_GE(program.alive(), 400_MiB) << "never more than a full collection has found";
}

TEST(OldGarbage, ARemarkThatIsSeenTogetherWithAFullCollectionLeavesTheNextCycleWhole) {
    Program program(300_MiB);
    program.leave(30_MiB);
    program.collect_fully(300_MiB, 1);
    program.cycle(Bytes(), 160_MiB);
    EXPECT_EQ(program.alive(), 110_MiB) << "mixed collections are told from others";
}

// 80 % of what is allocated while the program loads stays; of what it serves with afterwards nothing does.
TEST(OldGarbage, AProgramThatHasLoadedItsDataKeepsItsLiveSetWhenItServes) {
    for (const bool during_cycle : {false, true}) {
        Program program(20_MiB);
        for (int i = 0; i < 10; ++i) program.collect(180_MiB, Bytes(), 225_MiB);
        program.pause_of_cycle();
        if (during_cycle) program.collect(Bytes(), Bytes(), 1500_MiB);
        program.pause_of_cycle();
        for (int i = 0; i < 20; ++i) {
            program.collect(Bytes(), Bytes(), 1500_MiB);
            EXPECT_GE(program.alive(), share_of(1820_MiB, 0.95)) << i;
        }
        for (int i = 0; i < 5; ++i) program.collect(180_MiB, Bytes(), 225_MiB);
        EXPECT_EQ(program.alive(), program.occupied()) << "no search has ever found anything";
    }
}

TEST(OldGarbage, AProgramThatHasCeasedToPromoteMakesNoneWhileItIsBeingFound) {
    Program program(100_MiB);
    program.run(20, 10_MiB);
    program.cycle(10_MiB, 200_MiB);
    program.run(20, 40_MiB);
    program.pause_of_cycle();
    program.run(10, Bytes());
    program.pause_of_cycle();
    program.collect(Bytes());
    for (int i = 0; i < 4; ++i) program.collect(Bytes(), 50_MiB);
    program.collect(Bytes());
    EXPECT_LE(program.expected(), 5_MiB);
}

TEST(OldGarbage, SurvivorsThatComeAndGoAreNone) {
    Program program(20_MiB);
    program.leave(150_MiB);
    for (int i = 0; i < 10; ++i) program.collect(180_MiB, Bytes(), 225_MiB);
    program.pause_of_cycle();
    program.pause_of_cycle();
    for (int i = 0; i < 30; ++i) {
        const Bytes fewer = i % 3 == 2 ? Bytes() : 2_MiB;
        program.collect(fewer.is_zero() ? 4_MiB : Bytes(), fewer, 1500_MiB);
        EXPECT_GE(program.alive(), share_of(1820_MiB, 0.95)) << i;
    }
}

// What it freed is not what the next collection promoted less: else the rate falls, and with it all that is found.
TEST(OldGarbage, ARemarkTellsWhatItFreed) {
    const auto expected_after = [](Bytes by_remark) {
        Program program = that_replaces();
        program.pause_of_cycle(by_remark);
        program.collect(10_MiB);
        program.pause_of_cycle();
        program.collect(10_MiB);
        for (int i = 0; i < 4; ++i) program.collect(10_MiB, saturating_sub(270_MiB, by_remark) / 4);
        program.collect(10_MiB);
        program.run(20, 10_MiB);
        return program.expected();
    };
    expect_about(expected_after(40_MiB), expected_after(Bytes()), 10_MiB);
}

TEST(OldGarbage, ChunksThatARemarkFreesWereNeverTheProgramsGarbage) {
    Program keeps(100_MiB);
    for (int i = 0; i < 3; ++i) {
        keeps.run(20, 30_MiB);
        keeps.pause_of_cycle_that_frees_chunks(500_MiB);
        keeps.collect(30_MiB);
        keeps.pause_of_cycle();
        keeps.run(10, 30_MiB);
        EXPECT_EQ(keeps.alive(), keeps.occupied()) << "all that it promotes stays alive";
    }
    Program replaces = that_replaces();
    const Bytes before = replaces.expected();
    replaces.pause_of_cycle_that_frees_chunks(150_MiB);
    replaces.collect(10_MiB);
    expect_about(replaces.expected(), before + 10_MiB, 15_MiB);
}

TEST(OldGarbage, WhatIsFreedBeforeMixedCollectionsComeWasFoundToo) {
    Program program = that_replaces();
    program.pause_of_cycle();
    program.collect(10_MiB, 200_MiB);  // by the remark: whole regions
    EXPECT_GE(program.alive(), 90_MiB);
}

// A rate from before is worth nothing: mixed collections that give little back seem to promote, and to give back, a lot.
TEST(OldGarbage, WhatIsReckonedIsNeverMoreThanWhatIsSeen) {
    Program program(20_MiB);
    for (int i = 0; i < 10; ++i) program.collect(180_MiB, Bytes(), 225_MiB);
    program.pause_of_cycle();
    program.pause_of_cycle();
    program.collect(Bytes(), Bytes(), 100_MiB);
    for (int i = 0; i < 4; ++i) program.collect(Bytes(), 20_MiB, 1500_MiB);
    program.collect(Bytes(), Bytes(), 1500_MiB);
    EXPECT_GE(program.alive(), saturating_sub(program.occupied(), 10_MiB));
}

TEST(OldGarbage, IsNoMoreThanHalfOfTheHeapUnlessMoreWasFound) {
    Program program(300_MiB);
    program.leave(200_MiB);
    program.cycle(Bytes(), 160_MiB);
    EXPECT_EQ(program.alive(), 70_MiB) << "the heap is small for what the collector leaves in one of such a size";
}

}  // namespace
}  // namespace aerostat::agent
