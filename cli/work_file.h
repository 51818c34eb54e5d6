#pragma once

#include <map>
#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat::cli {

/// What applications say of their own work, by GUEST or GUEST/JVM.
using WorkTexts = std::map<std::string, std::string, std::less<>>;

/// Lines "NAME TEXT"; others are skipped, a later line of the same name wins. Texts are made printable.
[[nodiscard]] WorkTexts parse_work(std::string_view text);

/// Reads at most 64 KiB. Fails: `io` (the file is missing or cannot be read).
[[nodiscard]] Result<WorkTexts> read_work_file(const std::string& path);

}  // namespace aerostat::cli
