#pragma once

#include <cstddef>
#include <span>

#include "application-balloon/contract/frames.h"
#include "application-balloon/contract/secret.h"

// What stands in the pages of an application balloon. Before the host takes a frame it reads every byte of it: only memory
// that the guest's balloon has written, in this session, to this very frame, looks like that.
namespace aerostat::balloon {

/// From the kernel's generator.
[[nodiscard]] Secret random_secret();

/// Fills a piece. `piece` is as long as kPiece says.
void write_pattern(std::span<std::byte> piece, const Secret& secret, Frame frame);

/// How many pages of a part of a frame do not carry the pattern in each of their bytes. `part` is a whole number of pages,
/// the first of which is page `first_page` of the frame.
[[nodiscard]] std::size_t wrong_pages(std::span<const std::byte> part, const Secret& secret, Frame frame,
                                      std::size_t first_page);

}  // namespace aerostat::balloon
