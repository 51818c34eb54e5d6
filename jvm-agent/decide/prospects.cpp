#include "jvm-agent/decide/prospects.h"

#include <algorithm>

#include "jvm-agent/decide/cycle_gain.h"

namespace aerostat::agent {
namespace {

/// What the last cycle has found tells for so long what another would find.
constexpr Duration kTells = std::chrono::seconds(15);
/// What chunks take without the collector's help.
constexpr Bytes kByChunks = Bytes(128ULL << 20);

}  // namespace

/// Without a cycle.
Bytes Prospects::at_once(HeapTarget target) const {
    const Bytes most = seen_.largest_balloon(target, seen_.application);
    return std::min(saturating_sub(most, seen_.balloon), seen_.room);
}

/// What they leave occupied allows a larger balloon, and they make the heap smaller.
Bytes Prospects::with_cycles(HeapTarget target, Bytes live) const {
    const Bytes most = seen_.largest_balloon(target, left_by_cycles(seen_.heap, seen_.application, live));
    return saturating_sub(most, seen_.balloon) + uncommitted_by_cycles(seen_.heap, target, live, seen_.balloon);
}

/// They bring more than chunks can take without, and enough to be worth what they cost.
bool Prospects::pays(HeapTarget target, Bytes live) const {
    const Bytes missing = saturating_sub(seen_.resident, target.footprint);
    const Bytes enough = worth_cycles(seen_.resident, seen_.cost_of_cycle);
    const Bytes free = at_once(target);
    const Bytes all = with_cycles(target, live);
    if (missing > kByChunks) return free + enough <= all;  // much is had faster, and held better, by a smaller heap
    return std::min(missing, free) + enough <= std::min(missing, all);
}

bool Prospects::is_worth_cycles(HeapTarget target) const {
    if (saturating_sub(seen_.resident, target.footprint) < worth_cycles(seen_.resident, seen_.cost_of_cycle)) return false;
    const bool told = seen_.heap.kind == CollectionKind::young_and_marking && seen_.since_cycle < kTells;
    return !seen_.live || !told || pays(target, *seen_.live);
}

Bytes Prospects::floor_as_held(HeapTarget lowest) const {
    const bool known = seen_.live && seen_.is_looked_at && seen_.heap.kind == CollectionKind::young_and_marking;
    if (!known) return Bytes();
    const Bytes gain = pays(lowest, *seen_.live) ? with_cycles(lowest, *seen_.live) : at_once(lowest);
    return saturating_sub(seen_.resident, gain);
}

}  // namespace aerostat::agent
