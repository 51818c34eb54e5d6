#pragma once

#include <optional>
#include <string>

#include "contract/clock.h"
#include "contract/messages.h"

// The next step of one move of a container's OS layer. Pure: what is seen goes in, one step comes out.
namespace aerostat::guest {

/// Taken at once at most, so that what a step did is seen before the next.
inline constexpr Bytes kLargestOsStep{64ULL << 20U};

struct OsMoveSight {
    Bytes holding;            ///< by the container now
    Bytes target;             ///< to hold no more
    Bytes spare;              ///< available beyond the reserve
    bool spares_swap = true;  ///< reclaim cannot reach anonymous memory, or there is no swap
    Bytes swapped{};          ///< to swap since the move began
    int fruitless = 0;        ///< steps in a row that took next to nothing
    bool pressure = false;    ///< the guest has stalled since the move began
    Duration left{};          ///< until the deadline
};

enum class OsAction {
    reclaim,  ///< `bytes`, look again
    hold,     ///< at `bytes`: the move is over
    let_go,   ///< no hold: the move is over, and the guest needs its memory
};

struct OsStep {
    OsAction action = OsAction::hold;
    Bytes bytes;
    EndReason reason = EndReason::met;
    std::string detail;
    bool operator==(const OsStep&) const = default;
};

/// Ends early where the guest stalls, begins to swap, has nothing to spare, or gives nothing: what was reached is held then.
[[nodiscard]] OsStep next_os_step(const OsMoveSight& seen);

}  // namespace aerostat::guest
