#pragma once

#include "guest-balloon/decide/request_rules.h"

namespace aerostat::guest {

/// The order that a host's `apply` amounts to: one task for each JVM it names (the last, if it names one twice). What
/// cannot be done is settled at once with its reason, the rest is tried as far as rules allow: not below a JVM's floor, not
/// above an operator's ceiling that was set in this daemon's life.
/// `os`: the OS layer as last seen; absent, or not to be moved from inside: an os_target is ignored, and the result says so.
[[nodiscard]] Order order_for(const Apply& apply, const JvmBook& jvms, const PauseSwitch& paused,
                              const std::optional<OsReport>& os);

}  // namespace aerostat::guest
