#pragma once

#include <algorithm>
#include <optional>

#include "jvm-agent/decide/pacing.h"

namespace aerostat::agent {

/// What the agent may do that nobody waits for: all that it costs is paid from its WorkBudget, also the concurrent cycle
/// that a burst of chunks starts, or a step that makes the heap smaller. Amounts of CPU time are counted from the JVM's
/// start. Pure: time is an argument. Thread: owner's.
class BackgroundBudget {
public:
    BackgroundBudget(double share_of_core, Duration own_cpu) : work_(share_of_core), own_cpu_(own_cpu) {}

    /// All that the agent has cost since the last call, its reports too.
    void charge_own(Duration own_cpu) {
        work_.spent(own_cpu - own_cpu_);
        own_cpu_ = own_cpu;
    }
    /// What makes the collector mark begins. `marking_cpu`: of concurrent GC threads.
    void cycle_begins(Duration marking_cpu) { marking_cpu_ = marking_cpu; }
    /// That has not been paid for yet.
    [[nodiscard]] bool owes_cycle() const { return marking_cpu_.has_value(); }
    /// Not more than one: a program that marks all the time must not keep the balloon waiting for ever.
    void charge_cycle(Duration marking_cpu) {
        if (!marking_cpu_) return;
        work_.spent(std::min(marking_cpu - *marking_cpu_, kDearestCycle));
        marking_cpu_.reset();
    }

    [[nodiscard]] bool may_work(TimePoint now) { return work_.may_work(now); }
    /// How long until may_work() says yes.
    [[nodiscard]] Duration wait(TimePoint now) { return work_.wait(now); }

private:
    static constexpr Duration kDearestCycle = std::chrono::milliseconds(400);
    WorkBudget work_;
    Duration own_cpu_;                     ///< that has been charged
    std::optional<Duration> marking_cpu_;  ///< when the last cycle of ours began
};

}  // namespace aerostat::agent
