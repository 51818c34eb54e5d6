#include <algorithm>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/cycle_gain.h"
#include "jvm-agent/decide/sizing.h"

// What of a heap can be had, the way it is held now: what is reported as its floor, and what cycles are driven for.
namespace aerostat::agent {
namespace {

/// What the last cycle has found tells for so long what another would find.
constexpr Duration kTells = std::chrono::seconds(15);
/// What chunks take without the collector's help.
constexpr Bytes kByChunks = Bytes(128ULL << 20);

}  // namespace

/// The largest balloon for such a target when the program occupies so much after a collection.
Bytes Regulator::balloon_for(HeapTarget target, Bytes application) const {
    if (broken_ || !rules_.can_hold_chunks) return Bytes();
    const HeapFacts heap = chunks_within();
    return std::min(balloon_limit(heap, target, application, live_.value(ports_.clock.now())),
                    guard_.bearable(heap, application));
}

/// Without a cycle.
Bytes Regulator::at_once(HeapTarget target) const {
    if (!guard_.may_inflate(ports_.clock.now())) return Bytes();
    return std::min(saturating_sub(balloon_for(target, application_), balloon_.size().granted), room());
}

/// With cycles: what they leave occupied allows a larger balloon, and they make the heap smaller.
Bytes Regulator::with_cycles(HeapTarget target, Bytes live) const {
    const Bytes balloon = balloon_.size().granted;
    const Bytes most = balloon_for(target, left_by_cycles(facts_, application_, live));
    return saturating_sub(most, balloon) + uncommitted_by_cycles(facts_, target, live, balloon);
}

/// Driving cycles for this target brings more than chunks can take without, and enough to be worth what cycles cost.
bool Regulator::pays(HeapTarget target, Bytes live) const {
    const Bytes missing = saturating_sub(footprint_, target.footprint);
    const Bytes enough = worth_cycles(footprint_, cycle_cpu_);
    const Bytes free = at_once(target);
    const Bytes all = with_cycles(target, live);
    if (missing > kByChunks) return free + enough <= all;  // much is had faster, and held better, by a smaller heap
    return std::min(missing, free) + enough <= std::min(missing, all);
}

/// Where nobody has looked of late, nobody knows what a cycle would find.
bool Regulator::is_worth_cycles(HeapTarget target) const {
    if (saturating_sub(footprint_, target.footprint) < worth_cycles(footprint_, cycle_cpu_)) return false;
    const TimePoint now = ports_.clock.now();
    const auto live = live_.value(now);
    const bool told = facts_.kind == CollectionKind::young_and_marking && now - cycle_seen_at_ < kTells;
    return !live || !told || pays(target, *live);
}

/// What the heap comes to, the way it is held now. A calm heap held by its size is no longer full of chunks, and comes
/// lower.
Bytes Regulator::reachable() const {
    const auto live = live_.value(ports_.clock.now());
    if (!live || !looked_ || facts_.kind != CollectionKind::young_and_marking) return Bytes();
    const HeapTarget lowest{needed()};
    return saturating_sub(footprint_, pays(lowest, *live) ? with_cycles(lowest, *live) : at_once(lowest));
}

}  // namespace aerostat::agent
