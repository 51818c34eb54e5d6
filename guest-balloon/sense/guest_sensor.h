#pragma once

#include <string>
#include <vector>

#include "guest-balloon/decide/guest_state.h"

namespace aerostat::guest {

/// One look at the guest's memory.
struct GuestSight {
    GuestMemory memory;
    std::vector<std::string> degraded;  ///< sources that could not be read, for people
};

/// Reads /proc/meminfo and /proc/pressure/memory: microseconds, so on the loop. A source that is missing is absent in the
/// result and named; without meminfo the figures are zero, which no rule takes for room.
[[nodiscard]] GuestSight observe_guest();

}  // namespace aerostat::guest
