#include "guest-balloon/decide/os_step.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

constexpr Bytes kNear{1ULL << 20U};
constexpr Bytes kSwapNoise{256ULL << 10U};
constexpr int kGivesUpAfter = 3;

OsStep end(const OsMoveSight& seen, EndReason reason, std::string detail = {}) {
    // Short of the target, what is held leaves room to breathe: the hold itself must not make the guest stall.
    const Bytes held = reason == EndReason::met ? seen.target : std::max(seen.target, seen.holding + kLargestOsStep / 2);
    return {OsAction::hold, held, reason, std::move(detail)};
}

}  // namespace

OsStep next_os_step(const OsMoveSight& seen) {
    if (seen.pressure) return {OsAction::let_go, {}, EndReason::guest_pressure, "the guest began to stall"};
    const Bytes wanted = saturating_sub(seen.holding, seen.target);
    if (wanted <= kNear) return end(seen, EndReason::met);
    if (seen.swapped > kSwapNoise) return end(seen, EndReason::guest_pressure, "the kernel began to swap");
    if (seen.left <= Duration::zero()) return end(seen, EndReason::deadline);
    if (seen.fruitless >= kGivesUpAfter)
        return end(seen, EndReason::not_reclaimable, "the kernel found nothing more to take");
    const Bytes most = seen.spares_swap ? kLargestOsStep : kLargestOsStep / 8;
    const Bytes step = std::min({wanted, most, seen.spare});
    if (step < std::min(wanted, kNear))
        return end(seen, EndReason::guest_pressure, "the guest has nothing to spare above its reserve");
    return {OsAction::reclaim, step, EndReason::met, {}};
}

}  // namespace aerostat::guest
