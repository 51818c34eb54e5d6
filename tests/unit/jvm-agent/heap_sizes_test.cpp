#include "jvm-agent/jvm/heap_sizes.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

/// A heap that a collection shrinks after so many questions.
struct Heap {
    Bytes committed = 2048_MiB;
    Bytes used = 300_MiB;
    int shrinks_after = -1;
    Bytes shrinks_by = 1024_MiB;
    bool again = false;
    int asked = 0;

    void question() {
        if (asked++ != shrinks_after) return;
        committed = saturating_sub(committed, shrinks_by);
        if (again) shrinks_after = asked;
    }
    HeapSizes sizes() {
        return sizes_of_one_moment(
            [this] {
                question();
                return committed;
            },
            [this] {
                question();
                return saturating_sub(committed, used);
            });
    }
};

TEST(HeapSizes, AQuietHeapIsReadAsItIs) {
    Heap heap;
    const HeapSizes sizes = heap.sizes();
    EXPECT_EQ(sizes.committed, 2048_MiB);
    EXPECT_EQ(sizes.used, 300_MiB);
}

TEST(HeapSizes, WhatACollectionGivesBackBetweenTwoQuestionsIsNotTakenForUsed) {
    for (int when = 0; when < 4; ++when) {
        Heap heap;
        heap.shrinks_after = when;
        const HeapSizes sizes = heap.sizes();
        EXPECT_EQ(sizes.used, 300_MiB) << when;
        EXPECT_LE(sizes.committed, 2048_MiB) << when;
    }
}

TEST(HeapSizes, AHeapThatNeverStandsStillEndsTheTries) {
    Heap heap;
    heap.shrinks_after = 0;
    heap.shrinks_by = 1_MiB;
    heap.again = true;
    EXPECT_LE(heap.sizes().used, 301_MiB);
    EXPECT_LT(heap.asked, 20);
}

}  // namespace
}  // namespace aerostat::agent
