#include "jvm-agent/decide/live_estimate.h"

#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr TimePoint kNow{std::chrono::hours(1)};

TEST(LiveEstimate, IsUnknownBeforeACycleHasSeenTheWholeHeap) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 1_GiB, kNow);
    heap.young_gcs = 1;
    live.observe(heap, 1_GiB, kNow);
    EXPECT_FALSE(live.value(kNow));
}

TEST(LiveEstimate, TakesWhatAYoungCollectionLeavesAfterACycle) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    heap.cycle_pauses = 2;
    live.observe(heap, 2_GiB, kNow);
    heap.young_gcs = 1;
    live.observe(heap, 128_MiB, kNow);
    EXPECT_EQ(live.value(kNow), 128_MiB);
}

TEST(LiveEstimate, ACycleThatRanAlreadyDoesNotCountAsSeen) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    live.forget_cycles();
    for (const std::uint64_t pauses : {2U, 4U}) {
        heap.cycle_pauses = pauses;
        live.observe(heap, 2_GiB, kNow);
        ++heap.young_gcs;
        live.observe(heap, 128_MiB, kNow);
        EXPECT_EQ(live.seen_since_forgotten(), pauses == 4);
    }
}

TEST(LiveEstimate, AFullCollectionTellsAtOnce) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    heap.full_gcs = 1;
    live.observe(heap, 300_MiB, kNow);
    EXPECT_EQ(live.value(kNow), 300_MiB);
}

TEST(LiveEstimate, OldGarbageThatWillBeFoundAgainIsNotAlive) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 100_MiB, kNow);
    const auto collect = [&](Bytes application, bool cycle) {
        if (cycle) heap.cycle_pauses += 2;
        if (cycle) live.observe(heap, application, kNow);
        ++heap.young_gcs;
        live.observe(heap, application, kNow);
    };
    for (int i = 0; i < 3; ++i) {
        for (std::uint64_t n = 0; n < 20; ++n) collect(100_MiB + 20_MiB * n, false);
        collect(100_MiB, true);
        collect(100_MiB, false);
    }
    collect(400_MiB, false);
    EXPECT_EQ(live.value(kNow), 100_MiB);
    EXPECT_LE(live.assumed(kNow), 150_MiB);
}

// A start leaves 730 MiB of garbage, which one full collection finds; then data come, and stay.
TEST(LiveEstimate, OfParallelAndSerialWhatIsLoadedAfterAStartIsNotTakenForItsGarbage) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    heap.kind = CollectionKind::stop_the_world;
    TimePoint now = kNow;
    const auto collect = [&](Bytes application, bool full) {
        ++(full ? *heap.full_gcs : heap.young_gcs);
        live.observe(heap, application, now += std::chrono::milliseconds(500));
    };
    live.observe(heap, 20_MiB, now);
    for (std::uint64_t mib = 30; mib <= 830; mib += 40) collect(1_MiB * mib, false);
    collect(100_MiB, true);
    for (std::uint64_t alive = 110; alive <= 800; alive += 30) {
        collect(1_MiB * alive, false);
        EXPECT_GE(live.assumed(now), 1_MiB * alive);
    }
    collect(800_MiB, true);
    EXPECT_EQ(live.value(now), 800_MiB);
    collect(820_MiB, false);
    EXPECT_GE(live.assumed(now), 800_MiB);
}

TEST(LiveEstimate, IsWithdrawnOnceMuchHasGrownSince) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 100_MiB, kNow);
    heap.full_gcs = 1;
    live.observe(heap, 100_MiB, kNow);
    ASSERT_TRUE(live.value(kNow));
    heap.young_gcs = 1;
    live.observe(heap, 400_MiB, kNow);
    EXPECT_FALSE(live.value(kNow));
}

// A cycle, and the young collection after it, at a moment.
void cycle_at(LiveEstimate& live, HeapFacts& heap, Bytes application, TimePoint when) {
    heap.cycle_pauses += 4;
    live.observe(heap, application, when);
    ++heap.young_gcs;
    live.observe(heap, application, when);
}

TEST(LiveEstimate, IsWithdrawnWhenTheProgramFallsSilent) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    cycle_at(live, heap, 2_GiB, kNow);
    EXPECT_TRUE(live.value(kNow + std::chrono::seconds(2)));
    EXPECT_FALSE(live.value(kNow + std::chrono::seconds(5))) << "all of it may have died since, unseen";
    ++heap.young_gcs;
    live.observe(heap, 2_GiB, kNow + std::chrono::seconds(6));
    EXPECT_TRUE(live.value(kNow + std::chrono::seconds(7)))
        << "a collection that finds nothing new speaks for the old number";
}

TEST(LiveEstimate, AssumesWhatACollectionLeftWhileTheProgramIsAtWork) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 1_GiB, kNow);
    EXPECT_EQ(live.assumed(kNow), 1_GiB) << "a program that loads its data has no cycle to show for it yet";
    EXPECT_FALSE(live.value(kNow));
    EXPECT_FALSE(live.assumed(kNow + std::chrono::seconds(5))) << "a silent program may be asked";
    cycle_at(live, heap, 300_MiB, kNow);
    EXPECT_EQ(live.assumed(kNow), 300_MiB);
}

TEST(LiveEstimate, BelievesACycleThatAnOrderMadeAndLongerEachTimeItIsConfirmed) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    TimePoint when = kNow;
    for (const int seconds : {10, 20, 40, 80, 160, 320, 600, 600}) {
        live.forget_cycles();
        cycle_at(live, heap, 2_GiB, when);
        EXPECT_TRUE(live.value(when + std::chrono::seconds(seconds - 1)));
        EXPECT_FALSE(live.value(when + std::chrono::seconds(seconds)));
        when += std::chrono::seconds(seconds);
    }
    live.forget_cycles();
    cycle_at(live, heap, 1_GiB, when);
    EXPECT_FALSE(live.value(when + std::chrono::seconds(20))) << "it found something else: belief starts anew";
}

TEST(LiveEstimate, BelievesOnlyWhileTheSilenceLasts) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 2_GiB, kNow);
    live.forget_cycles();
    cycle_at(live, heap, 2_GiB, kNow);
    EXPECT_TRUE(live.value(kNow + std::chrono::seconds(9)));
    ++heap.young_gcs;
    live.observe(heap, 2_GiB, kNow + std::chrono::seconds(6));
    EXPECT_FALSE(live.value(kNow + std::chrono::milliseconds(9500)))
        << "it has worked again, and may have dropped what it had";
}

// After a minute old data may have died unseen: it may be asked.
TEST(LiveEstimate, AProgramThatAllocatesIsNotSilentForAMinuteAfterACycleHoweverRarelyItCollects) {
    LiveEstimate live;
    HeapFacts heap = four_gib();
    live.observe(heap, 100_MiB, kNow);
    TimePoint now = kNow;
    Bytes used = 100_MiB;
    const auto work = [&](int seconds, Bytes allocates) {
        for (int i = 0; i < seconds; ++i) live.watch(used += allocates, heap.region, now += std::chrono::seconds(1));
        return live.assumed(now).has_value();
    };
    EXPECT_FALSE(work(5, heap.region * 2)) << "no cycle has ever shown what is alive";
    heap.cycle_pauses = 2;
    live.observe(heap, 100_MiB, now);
    ++heap.young_gcs;
    live.observe(heap, 100_MiB, now);
    for (int i = 0; i < 11; ++i) EXPECT_TRUE(work(5, heap.region * 2)) << i;
    EXPECT_FALSE(work(10, heap.region * 2));
    heap.cycle_pauses = 4;
    live.observe(heap, 100_MiB, now);
    EXPECT_TRUE(work(5, heap.region * 2));
    EXPECT_FALSE(work(5, 0_B));
}

// Else its floor would rise and fall all the time.
TEST(LiveEstimate, AtASteadyPaceAProgramIsSilentAllTheTimeOrNever) {
    for (const std::uint64_t share : {1U, 2U, 4U, 8U}) {  // of a region, ten times a second: eighths
        LiveEstimate live;
        HeapFacts heap = four_gib();
        live.observe(heap, 100_MiB, kNow);
        heap.cycle_pauses = 2;
        live.observe(heap, 100_MiB, kNow);
        ++heap.young_gcs;
        live.observe(heap, 100_MiB, kNow);
        TimePoint now = kNow;
        Bytes used = 100_MiB;
        int known = 0, looks = 0;
        for (int i = 0; i < 590; ++i) {
            live.watch(used += Bytes(heap.region.count() * share / 80), heap.region, now += std::chrono::milliseconds(100));
            if (i < 200) continue;
            ++looks;
            known += live.assumed(now).has_value() ? 1 : 0;
        }
        EXPECT_TRUE(known == 0 || known == looks) << share << ": " << known << " of " << looks;
        EXPECT_EQ(known > 0, share == 8) << share;
    }
}

}  // namespace
}  // namespace aerostat::agent
