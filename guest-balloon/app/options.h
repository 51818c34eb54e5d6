#pragma once

#include <optional>

#include "guest-balloon/app/config.h"

namespace aerostat::guest {

/// A parsed command line, or the exit code when all is said (--help, --version, a usage error).
struct ParsedLine {
    CommandLine line;
    std::optional<int> exit_code;
};
[[nodiscard]] ParsedLine parse_command_line(int argc, const char* const* argv);

}  // namespace aerostat::guest
