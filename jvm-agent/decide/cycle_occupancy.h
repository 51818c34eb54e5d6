#pragma once

#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::agent {

/// One look at a heap whose collector works in concurrent cycles.
struct CycleSight {
    std::uint64_t started = 0;  ///< cycles begun so far
    bool running = false;       ///< one runs now
    Bytes occupied;             ///< at this moment, without the balloon
    TimePoint now{};
    std::optional<TimePoint> began{};  ///< the newest cycle; absent: not known
};

/// What a heap holds after a concurrent cycle. Such cycles free memory bit by bit while the program allocates, and nothing
/// tells the moment when they are done: the least that was occupied since is the nearest to it. It is never less than what
/// is alive. It is more by all that the program allocated since the cycle began, for these collectors take every object for
/// alive that is younger than their marking; a program that keeps its live set as large as it is has let go of as much.
/// Thread: owner's.
class CycleOccupancy {
public:
    /// To be told often.
    void observe(const CycleSight& seen);

    /// Occupied after the last cycle; before the first, what is occupied now.
    [[nodiscard]] Bytes after_last() const { return after_; }
    /// The same without what was allocated since that cycle began, at the rate of that time; never less than half of it.
    [[nodiscard]] Bytes alive() const { return alive_; }
    /// What the program allocates in such a time, at the rate of late.
    [[nodiscard]] Bytes allocated_in(Duration time) const;

private:
    void learn_rate(const CycleSight& seen);
    void set_after(const CycleSight& seen);

    bool first_ = true;
    bool had_cycle_ = false;
    CycleSight last_;
    Bytes after_;
    Bytes alive_;  ///< of `after_`
    // Sums that fade, of times in which nothing was collected.
    double grown_ = 0;  ///< bytes
    double time_ = 0;   ///< seconds
    Bytes during_;      ///< the least since the present cycle began
};

}  // namespace aerostat::agent
