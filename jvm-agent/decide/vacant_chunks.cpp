#include "jvm-agent/decide/vacant_chunks.h"

#include <utility>

namespace aerostat::agent {
namespace {

/// A chunk that was let go is free after the next young collection of G1, the next full one of Parallel and Serial, or the
/// next whole cycle of the others.
std::uint64_t collections_that_free_chunks(const HeapFacts& heap) {
    if (heap.whole_gcs) return *heap.whole_gcs;
    const bool young = heap.kind != CollectionKind::stop_the_world;
    return (young ? heap.young_gcs : 0) + heap.full_gcs.value_or(0);
}

}  // namespace

void VacantChunks::observe(const HeapFacts& heap) {
    // What falls may be chunks given back: all of it, to be safe.
    const Bytes before = std::exchange(used_, heap.used);
    const bool any = heap.kind != CollectionKind::stop_the_world;  // only full collections free chunks there
    const Bytes fallen = any ? saturating_sub(before, heap.used) : Bytes();
    bytes_ = collections_that_free_chunks(heap) > until_ ? Bytes() : saturating_sub(bytes_, fallen);
}

void VacantChunks::gave_back(Bytes chunks, const HeapFacts& heap) {
    const std::uint64_t running = heap.collecting.value_or(false) ? 1 : 0;  // a cycle that runs has them marked already
    until_ = collections_that_free_chunks(heap) + running;
    bytes_ += chunks;
}

}  // namespace aerostat::agent
