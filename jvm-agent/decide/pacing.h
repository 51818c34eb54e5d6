#pragma once

#include <deque>

#include "contract/clock.h"

// What the agent may cost, and when it may look. Pure: time comes in as an argument.
namespace aerostat::agent {

/// CPU the agent may spend on work that nobody waits for: a share of one core over any ten seconds.
/// Work under a deadline is charged too (so that the background pauses after it) but never refused by this class.
/// Thread: owner's.
class WorkBudget {
public:
    explicit WorkBudget(double share_of_core) : share_(share_of_core) {}

    void spent(Duration cpu) { saved_ -= cpu; }
    [[nodiscard]] bool may_work(TimePoint now);
    /// How long until may_work() says yes.
    [[nodiscard]] Duration wait(TimePoint now);

private:
    void earn(TimePoint now);

    double share_;
    Duration saved_{};
    TimePoint at_{};
    bool started_ = false;
};

/// Full collections that the operator allows within ten minutes.
/// Thread: owner's.
class FullGcBudget {
public:
    explicit FullGcBudget(int allowed) : allowed_(static_cast<std::size_t>(allowed)) {}
    [[nodiscard]] bool may_collect(TimePoint now);
    void collected(TimePoint now) { done_.push_back(now); }

private:
    std::size_t allowed_;
    std::deque<TimePoint> done_;
};

/// When a costly look (a walk of the page tables) is due: it may take a given share of the time, and is not repeated within
/// a second.
/// Thread: owner's.
class LookSchedule {
public:
    /// While `share` may be used: larger while something is being held or moved.
    [[nodiscard]] bool due(TimePoint now, double share) const;
    /// To be told after each look, however it was caused.
    void looked(TimePoint now, Duration cost);

private:
    bool looked_ = false;
    TimePoint at_{};
    Duration cost_{};
};

}  // namespace aerostat::agent
