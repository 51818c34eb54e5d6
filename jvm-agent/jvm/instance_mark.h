#pragma once

#include <optional>
#include <string>

#include "contract/error.h"

namespace aerostat::agent {

/// Says to other copies of the agent in this process that one is here already. It is an open memfd of a known name, so it
/// is seen by a copy loaded from another path, needs no file system, is not inherited by child programs and goes with the
/// process.
/// Fails: `busy` (another copy is loaded; the message names its version), `io`.
Status leave_instance_mark(const std::string& version);

}  // namespace aerostat::agent
