#pragma once

#include <string>
#include <vector>

#include "contract/error.h"

namespace aerostat::cli {

/// Becomes another program of this installation: the one beside this one, else one on the PATH. Returns only if it cannot:
/// `not_found`, `io`.
[[nodiscard]] Error run_tool(const std::string& name, const std::vector<std::string>& arguments);

}  // namespace aerostat::cli
