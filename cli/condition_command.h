#pragma once

#include "cli/arguments.h"

namespace aerostat::cli {

/// `condition`: reads the page beside the control socket; asks no daemon. Returns the exit code: no daemon, or a stale page,
/// are answers (4 and 1).
[[nodiscard]] int run_condition(const Invocation& invocation);

}  // namespace aerostat::cli
