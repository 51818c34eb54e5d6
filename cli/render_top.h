#pragma once

#include <string>
#include <vector>

#include "cli/render.h"

// What the table of `top` is made of, for one that is printed and one that lives.
namespace aerostat::cli {

/// The layers of all guests, with what each line is about ("GUEST", "GUEST/JVM"): by that a reader keeps the place.
struct TopTable {
    Table table;
    std::vector<std::string> lines;
};
[[nodiscard]] TopTable top_table(const StatusView& status, const WorkTexts& work);

/// What needs attention, the gravest first, a line each, in its style and within the width.
[[nodiscard]] std::vector<std::string> top_remarks(const StatusView& status, const Look& look);

/// Operations that run, then those that ended last: at most `most` lines.
[[nodiscard]] std::vector<std::string> top_operations(const OperationsView& operations, std::size_t most, const Look& look);

}  // namespace aerostat::cli
