#pragma once

#include <string>
#include <vector>

namespace aerostat::cli {

/// The whole tool: reads the arguments, asks the daemon, prints the answer on stdout and errors on stderr (with --json also
/// on stdout, as {"error":{"code":…,"message":…}}). Returns the exit code.
[[nodiscard]] int run(const std::vector<std::string>& arguments);

}  // namespace aerostat::cli
