#include "host-controller/decide/balloon_step.h"

#include <algorithm>

namespace aerostat::host {
namespace {

using namespace literals;

/// The driver works in pages and the hypervisor counts in KiB: this near is there.
constexpr Bytes kNear = 1_MiB;
/// A smaller step is not worth a round trip.
constexpr Bytes kLeastStep = 4_MiB;
/// A driver that has not moved for so long cannot: the guest has no page to give.
constexpr Duration kStuckAfter = std::chrono::seconds(2);
/// How long the guest may take to say that it has memory to spare again: its statistics come once a second.
constexpr Duration kHearsWithin = std::chrono::milliseconds(2500);

Bytes near_by(const BalloonSight& seen) { return std::max(kNear, seen.grain); }

bool is_near(const BalloonSight& seen) {
    const auto [less, more] = std::minmax(seen.actual, seen.goal);
    return saturating_sub(more, less) <= near_by(seen);
}

BalloonStep end(EndReason reason, std::string detail = {}) {
    return {BalloonAction::end, Bytes(), reason, std::move(detail)};
}

BalloonStep give(const BalloonSight& seen) {
    if (!seen.ordered || *seen.ordered != seen.goal) return {BalloonAction::order, seen.goal, {}, {}};
    if (seen.since_progress >= kStuckAfter) return end(EndReason::stuck, "the guest's balloon driver does not answer");
    return {BalloonAction::wait, {}, {}, {}};
}

BalloonStep take(const BalloonSight& seen) {
    const bool under_way = seen.ordered && *seen.ordered + near_by(seen) < seen.actual;
    if (under_way && seen.since_progress < kStuckAfter) return {BalloonAction::wait, {}, {}, {}};
    if (under_way) return end(EndReason::guest_pressure, "the guest found no more pages to give");
    const Bytes spare = saturating_sub(seen.available, guest_reserve(seen.maximum));
    const Bytes wanted = saturating_sub(seen.actual, seen.goal);
    const Bytes step = std::min({wanted, spare, kLargestBalloonStep});
    if (step >= std::min(wanted, kLeastStep)) return {BalloonAction::order, saturating_sub(seen.actual, step), {}, {}};
    if (seen.since_progress >= kHearsWithin)
        return end(EndReason::guest_pressure, "the guest has only " + format_bytes(seen.available) + " available");
    return {BalloonAction::wait, {}, {}, {}};
}

}  // namespace

Bytes guest_reserve(Bytes maximum) { return std::max(maximum / 16, 64_MiB); }

BalloonStep next_balloon_step(const BalloonSight& seen) {
    if (is_near(seen)) return end(EndReason::met);
    if (seen.left <= Duration::zero()) return end(EndReason::deadline);
    return seen.goal > seen.actual ? give(seen) : take(seen);
}

}  // namespace aerostat::host
