#pragma once

#include "contract/control.h"
#include "host-controller/metrics/families.h"

namespace aerostat::host::metrics {

/// What is known of each guest and of its JVMs; at most `most_jvms` of these. The answer is how many were left out.
[[nodiscard]] std::size_t add_guests(Families& families, const StatusView& status, std::size_t most_jvms);

}  // namespace aerostat::host::metrics
