#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"

namespace aerostat::cli {

/// Runs `aerostatctl doctor`; the exit status: 0 nothing is bad, 3 something is, 4 no daemon answers.
[[nodiscard]] int run_doctor(const Invocation& invocation);

/// What can be seen of this machine without a daemon. `root` stands before /proc, /sys and /etc, for tests.
[[nodiscard]] std::vector<Finding> examine_machine(const std::string& socket, const std::string& config,
                                                   const std::string& root = {});

}  // namespace aerostat::cli
