#pragma once

#include <vector>

#include "contract/messages.h"
#include "host-controller/decide/model.h"

namespace aerostat::host::sense {

/// A guest's report turned into what may be believed: reports are hints, the measured memory is the truth.
///
/// Footprints together are at most `measured` (scaled down alike if they claim more); a floor is at most a little above the
/// footprint it claims to need; ceilings are at most the host's budget; the curve is cut to floor and ceiling. A guest that
/// lies upwards gains nothing it does not hold, one that lies downwards is still charged as measured.
[[nodiscard]] std::vector<LayerSeen> believable_layers(const GuestReport& report, Bytes measured, Bytes budget);

}  // namespace aerostat::host::sense
