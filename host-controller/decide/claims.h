#pragma once

#include "host-controller/decide/frame.h"

namespace aerostat::host {

/// Puts up for sharing what is not set apart: what each layer must be left, what its curve says of the rest, and how much
/// memory there is. `apart`: over all guests.
void put_up_for_sharing(Frame& frame, Bytes apart, const HostState& state, const HostRules& rules, TimePoint now);

}  // namespace aerostat::host
