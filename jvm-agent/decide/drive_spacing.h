#pragma once

#include "contract/clock.h"

namespace aerostat::agent {

/// How long a heap that is held rests from the beginning of one drive of the collector's levers to the next: cycles cost the
/// program, so it is driven ever more rarely while that does not keep it within its target, or brings nothing.
/// Pure. Thread: owner's.
class DriveSpacing {
public:
    [[nodiscard]] Duration wait() const;
    /// The heap is within its target. Right after collections any heap is: that is no success of a drive in vain.
    void is_within_target();
    /// Another drive begins, although the heap was held.
    void begins_again();
    /// A cycle has shown whether there is more to come; or an operation has got all it was asked for.
    void set_in_vain(bool in_vain) { in_vain_ = in_vain; }

private:
    Duration between_{};
    bool in_vain_ = false;
};

}  // namespace aerostat::agent
