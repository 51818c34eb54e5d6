#include "jvm-agent/decide/operation.h"

#include <utility>

namespace aerostat::agent {

OperationResult Operation::answer(EndReason reason, std::string detail, Bytes resident) const {
    OperationResult result;
    result.op = order.op;
    result.asked = saturating_sub(resident_before, order.target.footprint);
    result.obtained = saturating_sub(resident_before, resident);
    result.shortfall = saturating_sub(result.asked, result.obtained);
    result.reason = result.shortfall.is_zero() && reason == EndReason::deadline ? EndReason::met : reason;
    result.detail = std::move(detail);
    return result;
}

bool Operation::has_found_floor(const OperationResult& result, const EndSight& seen) const {
    const bool tried = !same_try && seen.levers != LeverPhase::unused && seen.kind != CollectionKind::stop_the_world;
    if (!tried || is_hurt(seen.guard_releases) || result.shortfall.is_zero()) return false;
    const bool in_vain = result.reason == EndReason::deadline && seen.exhausted && result.obtained < seen.region;
    return result.reason == EndReason::floor || result.reason == EndReason::gc_distress || in_vain;
}

}  // namespace aerostat::agent
