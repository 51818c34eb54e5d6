#include "jvm-agent/decide/vacant_chunks.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

HeapFacts heap_of(CollectionKind kind) {
    HeapFacts heap;
    heap.kind = kind;
    heap.used = 500_MiB;
    heap.full_gcs = 0;
    return heap;
}

TEST(VacantChunks, AreFreeAfterTheNextCollectionThatFreesThem) {
    for (const auto kind : {CollectionKind::young_and_marking, CollectionKind::stop_the_world}) {
        HeapFacts heap = heap_of(kind);
        VacantChunks vacant;
        vacant.observe(heap);
        vacant.gave_back(100_MiB, heap);
        heap.young_gcs = 1;
        vacant.observe(heap);
        EXPECT_EQ(vacant.bytes(), kind == CollectionKind::stop_the_world ? 100_MiB : 0_B);
        heap.full_gcs = 1;
        vacant.observe(heap);
        EXPECT_TRUE(vacant.bytes().is_zero());
    }
}

TEST(VacantChunks, OutliveACycleThatHadMarkedThemAlready) {
    HeapFacts heap = heap_of(CollectionKind::whole_heap_cycles);
    heap.whole_gcs = 7;
    heap.collecting = true;
    VacantChunks vacant;
    vacant.observe(heap);
    vacant.gave_back(100_MiB, heap);
    heap.whole_gcs = 8;
    heap.collecting = false;
    vacant.observe(heap);
    EXPECT_EQ(vacant.bytes(), 100_MiB);
    heap.whole_gcs = 9;
    vacant.observe(heap);
    EXPECT_TRUE(vacant.bytes().is_zero());
}

TEST(VacantChunks, AreNoMoreThanWhatHasNotFallen) {
    HeapFacts heap = heap_of(CollectionKind::whole_heap_cycles);
    heap.whole_gcs = 7;
    VacantChunks vacant;
    vacant.observe(heap);
    vacant.gave_back(100_MiB, heap);
    heap.used = 470_MiB;
    vacant.observe(heap);
    EXPECT_EQ(vacant.bytes(), 70_MiB) << "what has fallen may have been chunks";
    heap.used = 480_MiB;
    vacant.observe(heap);
    EXPECT_EQ(vacant.bytes(), 70_MiB);
    heap.used = 300_MiB;
    vacant.observe(heap);
    EXPECT_TRUE(vacant.bytes().is_zero());
}

}  // namespace
}  // namespace aerostat::agent
