#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "application-balloon/contract/frames.h"

// What stands in the pages of an application balloon. Before the host takes a frame it reads every byte of it: only memory
// that the guest's balloon has written, in this session, to this very frame, looks like that.
namespace aerostat::balloon {

/// Chosen at random by each balloon process. Memory that an earlier one has left behind carries another pattern.
struct Secret {
    std::array<unsigned char, 16> bytes{};
    bool operator==(const Secret&) const = default;
};
[[nodiscard]] Result<Secret> parse_secret(std::string_view hex);
[[nodiscard]] std::string to_hex(const Secret& secret);
/// From the kernel's generator.
[[nodiscard]] Secret random_secret();

/// Fills a piece. `piece` is as long as kPiece says.
void write_pattern(std::span<std::byte> piece, const Secret& secret, Frame frame);

/// How many pages of a part of a frame do not carry the pattern in each of their bytes. `part` is a whole number of pages,
/// the first of which is page `first_page` of the frame.
[[nodiscard]] std::size_t wrong_pages(std::span<const std::byte> part, const Secret& secret, Frame frame,
                                      std::size_t first_page);

}  // namespace aerostat::balloon
