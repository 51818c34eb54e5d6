#pragma once

#include "cli/arguments.h"
#include "cli/work_file.h"

namespace aerostat::cli {

/// The live view of `top`, until q or a signal ends it. A daemon that goes away is waited for; the screen says so.
/// Returns the exit code. Only for a terminal.
[[nodiscard]] int run_top_screen(const Invocation& invocation);

/// The work column of one refresh: from the file, or none. A file that is missing gives no column; it may come.
[[nodiscard]] WorkTexts work_for(const TopOptions& top);

}  // namespace aerostat::cli
