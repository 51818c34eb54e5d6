#include "jvm-agent/decide/size_hold.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// A heap that is held by its size under load is as large as it is to be, but for so much.
constexpr std::uint64_t kOffRegions = 4;
/// So much beyond a target is worth the cycles that bursts of chunks start, one after the other in a small heap.
constexpr std::uint64_t kWorthwhileRegions = 4;
constexpr Bytes kWorthwhile = Bytes(16ULL << 20);
constexpr double kWorthwhileShare = 0.05;
/// Of its target: a smaller heap may grow as the collector likes.
constexpr double kAsLarge = 0.88;

}  // namespace

bool SizeHold::holds_down(std::optional<HeapTarget> target, Bytes committed) const {
    return holds_under_load(target) && committed >= share_of(target->footprint, kAsLarge);
}

void SizeHold::set_size(LeverSight& seen, bool under_load, std::optional<Bytes> goal) const {
    seen.holds_busy = under_load && holds_down(seen.target, seen.heap.committed);
    const Bytes balloon_beside = seen.target.footprint + seen.balloon;
    if (!under_load || goal) {
        seen.size = goal.value_or(std::max(balloon_beside, plan_.size()));
        seen.exact = under_load;
        return;
    }
    // What it grows by between two remarks it is made smaller by beforehand, so that it is as large as its target at most.
    const Bytes size = saturating_sub(balloon_beside, overshoot_.expected(seen.target.footprint));
    const Bytes off = seen.heap.region * kOffRegions;
    seen.size = size;
    seen.exact = seen.heap.committed > size + off || seen.heap.committed + off < size;
}

HeapFacts SizeHold::chunks_within(HeapFacts heap, Cap cap) const {
    if (applies(heap) && cap != Cap::hard) heap.max = std::min(heap.max, heap.committed);
    return heap;
}

Bytes SizeHold::owed(const HeapFacts& heap, HeapTarget target, Bytes resident) const {
    if (!applies(heap)) return {};
    const Bytes beyond = saturating_sub(resident, target.footprint);
    const Bytes least = std::min(kWorthwhile, share_of(target.footprint, kWorthwhileShare));
    return beyond < std::max(least, heap.region * kWorthwhileRegions) ? Bytes() : round_up(beyond, heap.region);
}

}  // namespace aerostat::agent
