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
    Duration within{};        ///< the whole time the move has
    /// Stalled seconds a second that the move may cause; absent: it is as quick as it can, and only the kernel's word of
    /// pressure ends it.
    std::optional<double> stall_budget{};
    double stall = 0;     ///< lately
    Bytes proven{};       ///< held when it was seen last that this is no trouble
    bool judged = false;  ///< `stall` shows all that was taken
};

enum class OsAction {
    reclaim,  ///< `bytes`, look again
    watch,    ///< look again
    hold,     ///< at `bytes`: the move is over
    let_go,   ///< no hold: the move is over, and the guest needs its memory
};

struct OsStep {
    OsAction action = OsAction::hold;
    Bytes bytes;
    EndReason reason = EndReason::met;
    std::string detail;
    Duration pause{};  ///< before that is done
    bool operator==(const OsStep&) const = default;
};

/// With a budget memory is taken bit by bit over nearly all of the time: what is not needed again goes first only if the
/// kernel has time to see what is, and stalls show after seconds. Where they pass the budget the move ends with what was
/// held before.
///
/// Ends early where the guest stalls, begins to swap, has nothing to spare, or gives nothing: what was reached is held then.
[[nodiscard]] OsStep next_os_step(const OsMoveSight& seen);

}  // namespace aerostat::guest
