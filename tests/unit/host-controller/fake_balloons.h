#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "host-controller/act/balloon_mover.h"

namespace aerostat::host::testing {

/// One guest's balloon and driver, on a clock that tests move: the driver goes towards its target at a given speed, and not
/// below what it cannot give.
class FakeBalloons final : public OsBalloons {
public:
    explicit FakeBalloons(ManualClock& its_clock) : clock(its_clock) {}
    void look(const GuestId&, std::function<void(Result<OsBalloon>)> answer) override {
        if (trouble) return post([this, answer] { answer(tl::unexpected(*trouble)); });
        post([this, answer] {
            settle();
            answer(balloon);
        });
    }
    void set_target(const GuestId&, Bytes actual, std::function<void(Status)> answer) override {
        settle();
        target = actual;
        targets.push_back(actual);
        post([answer] { answer(Status()); });
    }
    void later(Duration pause, std::function<void()> then) { timers.emplace_back(clock.now() + pause, std::move(then)); }

    /// Answers all that is asked, moving the clock on while something waits for it, for at most `most`.
    void run(Duration most) {
        const TimePoint until = clock.now() + most;
        for (;;) {
            while (!posted.empty()) {
                const auto next = std::move(posted.front());
                posted.pop_front();
                next();
            }
            const auto due = std::min_element(timers.begin(), timers.end(),
                                              [](const auto& a, const auto& b) { return a.first < b.first; });
            if (due == timers.end() || due->first > until) return;
            if (due->first > clock.now()) clock.advance(due->first - clock.now());
            const auto then = std::move(due->second);
            timers.erase(due);
            then();
        }
    }

    ManualClock& clock;
    OsBalloon balloon;
    Bytes target;  ///< the driver's
    Bytes per_second{1ULL << 30};
    Bytes cannot_give_below;
    std::optional<Error> trouble;
    std::vector<Bytes> targets;

private:
    void post(std::function<void()> what) { posted.push_back(std::move(what)); }
    void settle() {
        const Duration passed = clock.now() - settled_at;
        settled_at = clock.now();
        const Bytes most = share_of(per_second, to_seconds(passed));
        if (target.is_zero()) return;
        const Bytes aim = std::max(target, std::min(cannot_give_below, balloon.actual));
        if (balloon.actual > aim)
            balloon.actual = std::max(aim, saturating_sub(balloon.actual, most));
        else if (balloon.actual < target)
            balloon.actual = std::min(target, balloon.actual + most);
    }

    TimePoint settled_at = clock.now();
    std::deque<std::function<void()>> posted;
    std::vector<std::pair<TimePoint, std::function<void()>>> timers;
};

}  // namespace aerostat::host::testing
