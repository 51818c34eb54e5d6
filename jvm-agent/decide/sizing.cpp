#include "jvm-agent/decide/sizing.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr double kMarginShare = 0.05;
/// A heap this full after a collection starts to collect back to back.
constexpr double kComfortableOccupancy = 0.70;

Bytes live_margin(const HeapFacts& heap, Bytes live) { return std::max({share_of(live, 0.15), heap.region * 8, 32_MiB}); }

/// Two pages of 4 KiB in a chunk of 2 MiB.
constexpr double kChunkResidue = 1.0 / 256;

/// G1 starts concurrent cycles when this much is occupied, the balloon included, and would run them back to back beyond it
/// (its adaptive threshold: 100 % less a reserve of 10 % and 5 % of waste).
constexpr double kCycleThreshold = 0.85;

/// Collectors reckon with twice the usual allocation during a cycle (ZAllocationSpikeTolerance; ShenandoahAdaptive adds a
/// share of the heap), and what they keep free besides is half of what the agent leaves them (HeapFacts::headroom).
constexpr std::uint64_t kSpikes = 2;
constexpr std::uint64_t kHeadroomParts = 2;

}  // namespace

Bytes allocation_margin(const HeapFacts& heap) {
    return std::max({share_of(heap.max, kMarginShare), heap.region * 2, heap.headroom});
}

Bytes room_for_chunks(const HeapFacts& heap) {
    const Bytes occupied = std::max(heap.used, heap.used_after_gc);
    return round_down(saturating_sub(usable(heap), occupied + allocation_margin(heap)), heap.region);
}

Bytes floor_for(const HeapFacts& heap, std::optional<Bytes> live) {
    const Bytes known = live.value_or(Bytes());
    return std::min(heap.max, round_up(known + live_margin(heap, known), heap.region));
}

Bytes kept_free(const HeapFacts& heap, Bytes meanwhile) { return heap.headroom / kHeadroomParts + meanwhile * kSpikes; }

Bytes balloon_limit(const HeapFacts& heap, HeapTarget target, Bytes application, std::optional<Bytes> live) {
    const Bytes occupied = std::min(application, live.value_or(application) * 2);
    const Bytes comfortable = share_of(occupied, 1.0 / kComfortableOccupancy) + heap.region * 4;
    const Bytes collector = live.value_or(Bytes()) + share_of(heap.max, kMarginShare);
    // Collectors of whole cycles count from a soft maximum instead, which follows the balloon.
    const bool by_occupancy = heap.kind == CollectionKind::young_and_marking;
    const Bytes unpressed = (by_occupancy ? share_of(heap.max, 1 - kCycleThreshold) : heap.headroom) + occupied;
    // What a chunk cannot release (its first and last page) and rounding are part of what stays resident.
    const Bytes residue = by_occupancy ? Bytes() : share_of(heap.max, kChunkResidue) + heap.region;
    const Bytes kept = std::max({saturating_sub(target.footprint, residue), comfortable, collector, unpressed});
    return round_down(saturating_sub(usable(heap), kept), heap.region);
}

}  // namespace aerostat::agent
