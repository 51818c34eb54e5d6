#include "jvm-agent/decide/size_hold.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// A heap that is held by its size under load is as large as it is to be, but for so much.
constexpr std::uint64_t kOffRegions = 4;
constexpr std::uint64_t kWorthwhileRegions = 4;
/// Of its target: a smaller heap may grow as the collector likes.
constexpr double kAsLarge = 0.88;
/// Of a target.
constexpr double kSlightRaise = 0.5;

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

HeapFacts SizeHold::chunks_within(HeapFacts heap) const {
    if (holds()) heap.max = heap.committed;
    return heap;
}

Bytes SizeHold::owed(const HeapFacts& heap, HeapTarget target, Bytes resident, TimePoint now) const {
    if (heap.grows_at_pauses <= 0 || !(holds() || plan_.has_let_go(now))) return {};
    const Bytes beyond = saturating_sub(resident, target.footprint);
    return beyond < heap.region * kWorthwhileRegions ? Bytes() : round_up(beyond, heap.region);
}

bool is_raised_slightly(HeapTarget target, HeapTarget before, Bytes balloon) {
    const bool by_chunks = balloon > share_of(target.footprint, kSlightRaise);
    return by_chunks && target.footprint <= share_of(before.footprint, 1 + kSlightRaise);
}

}  // namespace aerostat::agent
