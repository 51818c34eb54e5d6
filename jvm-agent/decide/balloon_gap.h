#pragma once

#include "jvm-agent/decide/held_target.h"

namespace aerostat::agent {

/// What of a held heap's balloon is missing, and what of that is worth a burst of chunks: each burst starts a concurrent
/// cycle, however small it is. A value; pure.
struct BalloonGap {
    HeldTarget held;
    Bytes limit;  ///< the largest balloon that may be
    Bytes balloon;
    Bytes resident;
    Bytes region;
    bool in_old = false;  ///< chunks lie in an old generation, where they come one by one

    /// Firmly, a balloon of all that the target does not leave; elastically, only what is resident beyond the target.
    [[nodiscard]] Bytes missing() const;
    /// While no more than the target is resident a gap waits until it is worth the cycle that filling it starts.
    [[nodiscard]] Bytes least_burst() const;
};

}  // namespace aerostat::agent
