#pragma once

#include <cstdint>

#include "contract/units.h"

namespace aerostat::agent {

/// What a heap holds after a concurrent cycle. Such cycles free memory bit by bit while the program allocates, and nothing
/// tells the moment when they are done: the least that was occupied since is the nearest to it. It is never less than what
/// is alive.
/// Thread: owner's.
class CycleOccupancy {
public:
    /// To be told often. `started`: cycles begun so far; `running`: one runs now; `occupied`: at this moment.
    void observe(std::uint64_t started, bool running, Bytes occupied);

    /// Occupied after the last cycle; before the first, what is occupied now.
    [[nodiscard]] Bytes after_last() const { return after_; }

private:
    bool first_ = true;
    bool running_ = false;
    bool had_cycle_ = false;
    std::uint64_t started_ = 0;
    Bytes after_;
    Bytes during_;  ///< the least since the present cycle began
};

}  // namespace aerostat::agent
