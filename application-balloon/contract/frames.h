#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::balloon {

/// What is taken and given: a huge page of x86, whole and aligned, in the guest and in the file behind its RAM.
inline constexpr Bytes kPiece{2ULL << 20U};
inline constexpr Bytes kPage{4096};

/// Frames in one message.
inline constexpr std::size_t kMostFrames = 2048;
/// Looked at during one pause of a guest's processors.
inline constexpr Bytes kMostBatch{256ULL << 20U};
/// Held and written to by the guest's balloon, not yet taken by the host: so far it costs instead of yielding.
inline constexpr Bytes kMostUnpunched{64ULL << 20U};

/// A piece of guest-physical memory: its address divided by kPiece.
struct Frame {
    std::uint32_t number = 0;
    auto operator<=>(const Frame&) const = default;
};
/// No processor has more address bits (52).
inline constexpr std::uint32_t kEndOfFrames = 1U << 31U;

using Frames = std::vector<Frame>;

/// The whole pieces in an amount, no more than there can be.
[[nodiscard]] constexpr std::uint32_t pieces_in(Bytes amount) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(amount.count() / kPiece.count(), kEndOfFrames));
}

/// At most kMostFrames, each below kEndOfFrames, ascending, none twice. Fails: `bad_value`.
[[nodiscard]] Status check_frames(std::span<const Frame> frames);

}  // namespace aerostat::balloon
