#pragma once

#include <string_view>

#include "procfs/maps.h"

namespace aerostat::procfs {

/// One line of a maps or smaps file, if it is the head of a mapping; false for anything else.
[[nodiscard]] bool parse_maps_line(std::string_view line, Mapping& mapping);

}  // namespace aerostat::procfs
