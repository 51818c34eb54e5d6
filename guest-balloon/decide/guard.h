#pragma once

#include <array>
#include <optional>
#include <span>

#include "contract/clock.h"
#include "contract/messages.h"
#include "guest-balloon/decide/process_identity.h"

namespace aerostat::guest {

/// A heap under a restraint, as the guard sees it.
struct GuardedHeap {
    std::size_t number = 0;  ///< the caller's
    Bytes target;            ///< the order in force
    Bytes ceiling;
    double gain = 0;  ///< what one byte more is worth to it
    Bytes raised;     ///< what the guard made of the target
};

/// Whose stalls the kernel tells of.
enum class Stalled { machine, container };

/// What decides whether a word of stalls is about this guest.
struct PressureWord {
    Stalled who = Stalled::machine;
    bool shares_machine = false;  ///< others have programs on it that are none of this guest's
    /// A hold of ours is in force that may be what stalls it, and of its own stalls alone nobody knows.
    bool held_unseen = false;
    Bytes available;
    Bytes reserve;
};
/// False: somebody else on the machine stalls, and this guest has memory.
[[nodiscard]] bool concerns_guest(const PressureWord& seen) noexcept;

/// Raises targets where it is worth most, within what the guest can back: `available` less `reserve`. Pages that
/// virtio-balloon or the container's hold has taken are in neither figure. Allocates nothing; reorders `heaps`.
void release_heaps(std::span<GuardedHeap> heaps, Bytes available, Bytes reserve) noexcept;

/// When the kernel's word of pressure is news. It comes once a window for as long as the guest stalls.
class PressureEdges {
public:
    enum class News {
        nothing,  ///< too soon after the last
        goes_on,  ///< heaps may need more room; the host knows already
        edge,     ///< tell the host
    };
    [[nodiscard]] News note(TimePoint now) noexcept;
    [[nodiscard]] bool is_on(TimePoint now) const noexcept { return last_ && now - *last_ < kCalmAfter; }

private:
    static constexpr Duration kAtMostEvery = std::chrono::milliseconds(200);
    static constexpr Duration kCalmAfter = std::chrono::seconds(2);
    static constexpr Duration kTellAgain = std::chrono::seconds(12);  ///< the host's help ends by then
    std::optional<TimePoint> last_;
    std::optional<TimePoint> told_;
};

}  // namespace aerostat::guest
