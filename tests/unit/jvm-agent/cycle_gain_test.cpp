#include "jvm-agent/decide/cycle_gain.h"

#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

TEST(CycleGain, WhatMixedCollectionsLeaveStays) {
    HeapFacts heap = four_gib();
    EXPECT_EQ(left_by_cycles(heap, 500_MiB, 100_MiB), 100_MiB);
    heap.waste = 200_MiB;
    EXPECT_EQ(left_by_cycles(heap, 500_MiB, 100_MiB), 300_MiB);
    EXPECT_EQ(left_by_cycles(heap, 250_MiB, 100_MiB), 250_MiB);
}

TEST(CycleGain, AHeapFullOfChunksBecomesNoSmaller) {
    HeapFacts heap = four_gib();
    EXPECT_GT(uncommitted_by_cycles(heap, {512_MiB}, 256_MiB, 0_B), 2_GiB);
    EXPECT_EQ(uncommitted_by_cycles(heap, {512_MiB}, 256_MiB, 2_GiB), 0_B);
    heap.minimum = heap.committed;
    EXPECT_EQ(uncommitted_by_cycles(heap, {512_MiB}, 256_MiB, 0_B), 0_B);
    heap.minimum = 0_B;
    heap.levers_give = false;
    EXPECT_EQ(uncommitted_by_cycles(heap, {512_MiB}, 256_MiB, 0_B), 0_B);
}

TEST(CycleGain, WhatACycleMustBringGrowsWithTheHeapAndWithWhatOneCosts) {
    EXPECT_EQ(worth_cycles(200_MiB, 0s), 16_MiB);
    EXPECT_EQ(worth_cycles(2000_MiB, 0s), 100_MiB);
    EXPECT_EQ(worth_cycles(400_MiB, 200ms), share_of(256_MiB, 0.2));
    EXPECT_EQ(worth_cycles(400_MiB, 1h), 100_MiB) << "a quarter of it is worth any";
}

}  // namespace
}  // namespace aerostat::agent
