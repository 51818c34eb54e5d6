#pragma once

#include "guest-balloon/decide/os_sight.h"

namespace aerostat::guest {

/// How much page cache to take now in order to learn what it is worth, after Senpai (Meta's TMO): 1 % at most every 30 s,
/// the less the more the guest stalls, and nothing at all above 0.1 % of stalled time or without knowing it.
[[nodiscard]] inline Bytes probe_size(const OsSight& seen, Duration since_last) {
    constexpr double kMostPressure = 0.1;  // percent
    constexpr double kShare = 0.01;
    constexpr Bytes kMost{64ULL << 20U};
    if (since_last < std::chrono::seconds(30) || !seen.psi_some_avg10 || !seen.refaults) return {};
    return std::min(kMost, share_of(seen.cache(), kShare * (1 - *seen.psi_some_avg10 / kMostPressure)));
}

}  // namespace aerostat::guest
