#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "application-balloon/contract/frames.h"

// What the guest's end may take, what it holds, and which of it goes back. Pure.
namespace aerostat::balloon::guest {

struct GuestMemory {
    Bytes total;
    Bytes available;  ///< without swapping, by the kernel's estimate
};

/// How many of the wanted pieces may be taken now: what is available beyond the reserve (unless set: 5 %, 64 MiB at least),
/// kMostUnpunched at once. Fails: `busy` while pieces are unsettled, `refused` if there is no room for one.
[[nodiscard]] Result<std::uint32_t> pieces_allowed(std::uint32_t wanted, std::size_t unsettled, const GuestMemory& memory,
                                                   std::optional<Bytes> reserve);

/// The kernel's pool of huge pages. A persistent one was set up for somebody else: a balloon would take it from a program
/// that counts on it. Surplus pages come from ordinary memory and go back there.
struct HugePool {
    std::uint64_t total = 0;
    std::uint64_t surplus = 0;
};
[[nodiscard]] constexpr bool is_free_for_balloons(const HugePool& pool) { return pool.total <= pool.surplus; }

/// The frame behind one piece, from its 512 entries of /proc/PID/pagemap.
/// Fails: `denied` (the kernel hides the numbers: CAP_SYS_ADMIN is missing), `refused` (not all there, or not one whole
/// frame).
[[nodiscard]] Result<Frame> frame_of(std::span<const std::uint64_t> entries);

/// The pieces that are held. A slot is where the mechanism finds a piece again.
class Holding {
public:
    using Slot = std::uint32_t;

    void told(Slot slot, Frame frame) { pieces_.push_back({slot, frame, false}); }
    /// The host has taken these; all other unsettled ones are handed out, to go back to the guest. Fails: `bad_value` if one
    /// of the frames was not told, or is settled already; nothing has changed then.
    [[nodiscard]] Result<std::vector<Slot>> settle(std::span<const Frame> taken);
    /// At most so many, no longer held: those that the host has taken before those that it may be taking, the last ones
    /// first.
    [[nodiscard]] std::vector<Slot> take_out(std::size_t pieces);

    [[nodiscard]] std::size_t settled() const;
    [[nodiscard]] std::size_t unsettled() const { return pieces_.size() - settled(); }
    [[nodiscard]] std::size_t all() const { return pieces_.size(); }

private:
    struct Piece {
        Slot slot = 0;
        Frame frame;
        bool settled = false;
    };
    std::vector<Piece> pieces_;
};

}  // namespace aerostat::balloon::guest
