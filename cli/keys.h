#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "cli/top_screen.h"

namespace aerostat::cli {

enum class Key { quit, up, down, page_up, page_down, home, end };

/// The keys in what a terminal has sent: escape sequences of cursor keys, and those of less. What is none is passed over.
[[nodiscard]] std::vector<Key> keys_in(std::string_view typed);

[[nodiscard]] std::optional<TopMove> move_of(Key key);

}  // namespace aerostat::cli
