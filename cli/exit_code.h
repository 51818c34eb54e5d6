#pragma once

#include "contract/control.h"

namespace aerostat::cli {

/// What a script learns without reading text. Part of the tool's interface (docs/operations.md).
enum ExitCode : int { kExitMet = 0, kExitError = 1, kExitUsage = 2, kExitShortfall = 3, kExitNoDaemon = 4, kExitDenied = 5 };

/// For a socket that could not be connected to: nobody there, no rights, or a path that cannot be one.
[[nodiscard]] ExitCode exit_code_for_connect(const Error& error);

/// For a request that was sent: what the daemon answered, or that it did not.
[[nodiscard]] ExitCode exit_code_for_request(const Error& error);

/// For an answer without an error. Orders that move memory end with a shortfall when bytes are missing; an operation that
/// still runs (`--no-wait`) has met what was asked of the tool: to start it.
[[nodiscard]] ExitCode exit_code_for(Command command, const ReplyBody& body);

}  // namespace aerostat::cli
