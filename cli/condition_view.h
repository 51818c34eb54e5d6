#pragma once

#include <string>
#include <vector>

#include <aerostat/memory_condition.h>

#include "cli/table.h"

// The memory condition as text. Pure. What is not known is left out or a dash, never a zero.
namespace aerostat::cli {

/// Some lines for people.
[[nodiscard]] std::string render_condition(const aerostat_memory_condition& condition, const Look& look);
/// One line, with newline, for `--watch`.
[[nodiscard]] std::string render_condition_line(const aerostat_memory_condition& condition, const Look& look);
/// One JSON object on one line, with newline.
[[nodiscard]] std::string condition_as_json(const aerostat_memory_condition& condition);
/// "AEROSTAT_LEVEL=tight" and so on, for the command of `--exec`.
[[nodiscard]] std::vector<std::string> condition_environment(const aerostat_memory_condition& condition);

}  // namespace aerostat::cli
