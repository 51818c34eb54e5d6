#pragma once

#include <optional>
#include <string>

#include "contract/clock.h"
#include "contract/messages.h"

// The next step of one move of a virtual machine's OS balloon. Pure: what is seen goes in, one step comes out.
namespace aerostat::host {

/// An order of ours to the guest's driver is at most this far away from what the guest has. If we die with one outstanding,
/// no more than this is still taken.
inline constexpr Bytes kLargestBalloonStep{128ULL << 20};

/// What a guest must keep available so that taking memory does not make it reclaim: 1/16 of its RAM, 64 MiB at least.
[[nodiscard]] Bytes guest_reserve(Bytes maximum);

struct BalloonSight {
    Bytes maximum;                 ///< the guest's RAM
    Bytes actual;                  ///< of it, not in the balloon
    std::optional<Bytes> ordered;  ///< what the driver was last told by this move; absent: nothing yet
    Bytes goal;                    ///< `actual` shall come to this
    Bytes available;               ///< in the guest, less what was taken since it said so; zero when nothing is known
    Bytes grain{};                 ///< it moves in pieces of this
    Duration since_progress{};     ///< `actual` has not come nearer to `ordered` since
    Duration left{};               ///< until the deadline
};

enum class BalloonAction {
    order,  ///< tell the driver `target`, look again soon
    wait,   ///< look again soon
    end,    ///< over; the driver is to be told the actual size if it was told another
};

struct BalloonStep {
    BalloonAction action = BalloonAction::wait;
    Bytes target;
    EndReason reason = EndReason::met;
    std::string detail;
    bool operator==(const BalloonStep&) const = default;
};

/// Taking goes in steps, each within what the guest has available beyond its reserve. Giving goes in one.
[[nodiscard]] BalloonStep next_balloon_step(const BalloonSight& seen);

}  // namespace aerostat::host
