#pragma once

#include <array>
#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat::balloon {

/// Chosen at random by each balloon process. Memory that an earlier one has left behind carries another pattern.
struct Secret {
    std::array<unsigned char, 16> bytes{};
    bool operator==(const Secret&) const = default;
};
/// Only as to_hex writes it: 32 digits, no capitals. Fails: `bad_value`.
[[nodiscard]] Result<Secret> parse_secret(std::string_view hex);
[[nodiscard]] std::string to_hex(const Secret& secret);

}  // namespace aerostat::balloon
