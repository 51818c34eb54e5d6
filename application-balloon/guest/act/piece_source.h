#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "application-balloon/contract/frames.h"

namespace aerostat::balloon::guest {

/// A piece of our memory that stays in the frame it is in, as far as the kernel lets us have that.
struct Piece {
    std::uint32_t slot = 0;
    std::span<std::byte> memory;
    Frame frame;
};

/// Where pieces come from. Calls block while the kernel looks for memory. Thread: one.
class PieceSource {
public:
    virtual ~PieceSource() = default;
    /// "huge-pages", "pinned".
    [[nodiscard]] virtual std::string name() const = 0;
    /// One more. Fails: `busy` (the kernel has no whole frame free), `refused`, `denied`, `io`.
    [[nodiscard]] virtual Result<Piece> take() = 0;
    virtual void give_back(std::uint32_t slot) = 0;
    /// All of them, in one step.
    virtual void give_all_back() = 0;
};

/// A file on hugetlbfs: its pages are not moved by compaction and outlive this process. What a process that died has left in
/// it goes back to the guest now; `kept_file` remembers how many the kernel was allowed before. Fails: `busy` (another
/// process holds pieces in it), `not_found` (no hugetlbfs there), `refused` (the kernel keeps huge pages for somebody else),
/// `denied`, `io`.
[[nodiscard]] Result<std::unique_ptr<PieceSource>> huge_page_source(const std::string& hugetlbfs,
                                                                    const std::string& kept_file);
/// Transparent huge pages, pinned by registering them as buffers of an io_uring. Given back singly, the kernel may take a
/// second to let go. Fails: `unsupported` (no io_uring here, or one that is too old), `denied`.
[[nodiscard]] Result<std::unique_ptr<PieceSource>> pinned_source();

/// The frame behind memory of ours. Fails as frame_of.
[[nodiscard]] Result<Frame> frame_behind(std::span<const std::byte> piece);

}  // namespace aerostat::balloon::guest
