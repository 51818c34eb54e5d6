#include "guest-balloon/decide/os_step.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

constexpr Bytes kNear{1ULL << 20U};
constexpr Bytes kSwapNoise{256ULL << 10U};
constexpr int kGivesUpAfter = 3;
constexpr int kGivesUpAfterBits = 30;  // bits are small, and programs fetch some back
constexpr Duration kBetweenBits = std::chrono::milliseconds(100);
constexpr Duration kSettles = std::chrono::milliseconds(2500);
constexpr Bytes kSmallestBit{256ULL << 10U};

OsStep end(const OsMoveSight& seen, EndReason reason, std::string detail = {}) {
    // Short of the target, what is held leaves room to breathe: the hold itself must not make the guest stall.
    const Bytes room = seen.stall_budget ? seen.holding / 32 : kLargestOsStep / 2;
    const Bytes held = reason == EndReason::met ? seen.target : std::max(seen.target, seen.holding + room);
    return {OsAction::hold, held, reason, std::move(detail), {}};
}

// Spread over the time that is left, but for the last part of it, in which it shows what came of it.
OsStep next_bit(const OsMoveSight& seen, Bytes wanted) {
    const Duration taking = seen.left - std::min(kSettles, seen.within / 3);
    const double part = to_seconds(kBetweenBits) / to_seconds(std::max(taking, kBetweenBits));
    const Bytes bit = std::min({std::max(share_of(wanted, part), kSmallestBit), wanted, kLargestOsStep, seen.spare});
    if (bit < std::min(wanted, kSmallestBit))
        return end(seen, EndReason::guest_pressure, "the guest has nothing to spare above its reserve");
    return {OsAction::reclaim, bit, EndReason::met, {}, kBetweenBits};
}

OsStep next_within_budget(const OsMoveSight& seen, Bytes wanted) {
    if (seen.stall > *seen.stall_budget) {
        const Bytes held = std::max(seen.proven, seen.holding) + seen.holding / 32;  // a hold that is just enough stalls
        return {OsAction::hold,
                std::max(seen.target, held),
                EndReason::guest_pressure,
                "with less the guest would stall beyond its budget",
                {}};
    }
    const bool is_last = seen.left <= kBetweenBits * 2;
    if (wanted <= kNear && (seen.judged || is_last)) return end(seen, EndReason::met);
    if (is_last) return end(seen, EndReason::deadline);
    if (wanted <= kNear) return {OsAction::watch, {}, EndReason::met, {}, kBetweenBits};
    if (seen.fruitless >= kGivesUpAfterBits)
        return end(seen, EndReason::not_reclaimable, "the kernel found nothing more to take");
    return next_bit(seen, wanted);
}

}  // namespace

OsStep next_os_step(const OsMoveSight& seen) {
    if (seen.pressure) return {OsAction::let_go, {}, EndReason::guest_pressure, "the guest began to stall", {}};
    const Bytes wanted = saturating_sub(seen.holding, seen.target);
    if (wanted <= kNear && !seen.stall_budget) return end(seen, EndReason::met);
    if (seen.swapped > kSwapNoise) return end(seen, EndReason::guest_pressure, "the kernel began to swap");
    if (seen.stall_budget) return next_within_budget(seen, wanted);
    if (seen.left <= Duration::zero()) return end(seen, EndReason::deadline);
    if (seen.fruitless >= kGivesUpAfter)
        return end(seen, EndReason::not_reclaimable, "the kernel found nothing more to take");
    const Bytes most = seen.spares_swap ? kLargestOsStep : kLargestOsStep / 8;
    const Bytes step = std::min({wanted, most, seen.spare});
    if (step < std::min(wanted, kNear))
        return end(seen, EndReason::guest_pressure, "the guest has nothing to spare above its reserve");
    return {OsAction::reclaim, step, EndReason::met, {}, {}};
}

}  // namespace aerostat::guest
