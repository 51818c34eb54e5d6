#include "jvm-agent/decide/pacing.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

constexpr Duration kWindow = std::chrono::seconds(10);
constexpr Duration kFullGcWindow = std::chrono::minutes(10);
constexpr Duration kLookAtMost = std::chrono::seconds(1);

Duration scaled(Duration d, double factor) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * factor));
}

}  // namespace

void WorkBudget::earn(TimePoint now) {
    if (!started_) {
        started_ = true;
        at_ = now;
        saved_ += scaled(kWindow, share_) / 2;
        return;
    }
    saved_ = std::min(saved_ + scaled(now - at_, share_), scaled(kWindow, share_));
    // A long operation under a deadline must not silence the background for minutes.
    saved_ = std::max(saved_, -scaled(kWindow, share_));
    at_ = now;
}

bool WorkBudget::may_work(TimePoint now) {
    earn(now);
    return saved_ > Duration::zero();
}

Duration WorkBudget::wait(TimePoint now) {
    earn(now);
    if (saved_ > Duration::zero()) return Duration::zero();
    return scaled(-saved_, 1.0 / share_) + std::chrono::milliseconds(10);
}

bool FullGcBudget::may_collect(TimePoint now) {
    while (!done_.empty() && now - done_.front() >= kFullGcWindow) done_.pop_front();
    return done_.size() < allowed_;
}

bool LookSchedule::due(TimePoint now, double share) const {
    if (!looked_) return true;
    return share > 0 && now - at_ >= std::max(scaled(cost_, 1.0 / share), kLookAtMost);
}

void LookSchedule::looked(TimePoint now, Duration cost) {
    looked_ = true;
    at_ = now;
    cost_ = cost;
}

}  // namespace aerostat::agent
