#pragma once

#include <string>

#include "guest-balloon/decide/time_jump.h"

namespace aerostat::guest {

/// All clocks of this machine; time since boot from /proc/uptime, before which `root` stands.
[[nodiscard]] Clocks read_clocks(const Clock& clock, const std::string& root);

}  // namespace aerostat::guest
