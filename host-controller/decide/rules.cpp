#include "host-controller/decide/rules.h"

#include <fnmatch.h>

#include <algorithm>

namespace aerostat::host {

std::optional<GuestLimits> HostRules::limits_for(const std::string& name) const {
    const GuestRule* best = nullptr;
    for (const GuestRule& rule : guests) {
        if (rule.pattern == name) return rule.limits;
        if (::fnmatch(rule.pattern.c_str(), name.c_str(), 0) != 0) continue;
        if (!best || rule.pattern.size() > best->pattern.size()) best = &rule;
    }
    return best ? std::optional(best->limits) : std::nullopt;
}

Bytes HostRules::dead_band(Bytes amount) const {
    return std::max(pacing.smallest_move, share_of(amount, pacing.smallest_share));
}

}  // namespace aerostat::host
