#include "application-balloon/guest/decide/holding.h"

#include <algorithm>

namespace aerostat::balloon::guest {
namespace {

// Documentation/admin-guide/mm/pagemap.rst.
constexpr std::uint64_t kPresent = 1ULL << 63U;
constexpr std::uint64_t kNumber = (1ULL << 55U) - 1;
constexpr std::size_t kPagesOfPiece = kPiece.count() / kPage.count();

}  // namespace

Result<std::uint32_t> pieces_allowed(std::uint32_t wanted, std::size_t unsettled, const GuestMemory& memory,
                                     std::optional<Bytes> reserve) {
    if (unsettled != 0) return fail(ErrorCode::busy, "pieces told before are not settled yet");
    const Bytes kept = reserve.value_or(std::max(memory.total / 20, Bytes(64ULL << 20U)));
    const Bytes room = std::min(saturating_sub(memory.available, kept), kMostUnpunched);
    const std::uint64_t pieces = std::min<std::uint64_t>(wanted, room.count() / kPiece.count());
    if (pieces == 0) return fail(ErrorCode::refused, "the guest has nothing to spare beyond its reserve");
    return static_cast<std::uint32_t>(pieces);
}

Result<Frame> frame_of(std::span<const std::uint64_t> entries) {
    if (entries.size() != kPagesOfPiece) return fail(ErrorCode::bad_value, "not the entries of one piece");
    const std::uint64_t first = entries.front() & kNumber;
    for (std::size_t page = 0; page < entries.size(); ++page) {
        if ((entries[page] & kPresent) == 0) return fail(ErrorCode::refused, "a page of it is not in memory");
        if ((entries[page] & kNumber) == 0 && page != 0)
            return fail(ErrorCode::denied, "the kernel hides frame numbers (CAP_SYS_ADMIN is needed)");
        if ((entries[page] & kNumber) != first + page) return fail(ErrorCode::refused, "its pages do not follow each other");
    }
    if (first % kPagesOfPiece != 0 || first / kPagesOfPiece >= kEndOfFrames)
        return fail(ErrorCode::refused, "it does not begin where a frame begins");
    return Frame{static_cast<std::uint32_t>(first / kPagesOfPiece)};
}

Result<std::vector<Holding::Slot>> Holding::settle(std::span<const Frame> taken) {
    const auto is_taken = [taken](const Piece& piece) {
        return std::find(taken.begin(), taken.end(), piece.frame) != taken.end();
    };
    const auto known =
        std::count_if(pieces_.begin(), pieces_.end(), [&](const Piece& piece) { return !piece.settled && is_taken(piece); });
    if (static_cast<std::size_t>(known) != taken.size())
        return fail(ErrorCode::bad_value, "not all of these frames were told and wait to be settled");
    std::vector<Slot> back;
    for (Piece& piece : pieces_) {
        if (piece.settled) continue;
        if (is_taken(piece)) {
            piece.settled = true;
        } else {
            back.push_back(piece.slot);
        }
    }
    std::erase_if(pieces_, [](const Piece& piece) { return !piece.settled; });
    return back;
}

// Those first that the host has taken: what was told may be about to be settled, and comes back then.
std::vector<Holding::Slot> Holding::take_out(std::size_t pieces) {
    std::stable_partition(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return !piece.settled; });
    std::vector<Slot> out;
    for (; out.size() < pieces && !pieces_.empty(); pieces_.pop_back()) out.push_back(pieces_.back().slot);
    return out;
}

std::size_t Holding::settled() const {
    return static_cast<std::size_t>(
        std::count_if(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.settled; }));
}

}  // namespace aerostat::balloon::guest
