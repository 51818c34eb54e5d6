#include "jvm-agent/decide/leisure_plan.h"

#include <algorithm>
#include <utility>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Duration kWindow = std::chrono::seconds(5);
constexpr int kCalmWindows = 2;
/// Of the share of pauses from which on the collector commits more.
constexpr double kBearable = 0.75;
constexpr double kMostBearable = 0.03;
constexpr double kSmallShare = 0.5;  ///< of its maximum
/// Below half of its maximum the collector commits more sooner, by so much less of the heap; but never below a hundredth.
constexpr double kScaledBelow = 0.5;
constexpr double kLeastThreshold = 0.01;
/// One step, at most; in a large heap that share of it, so that there are not hundreds. Less than the least is not worth a
/// cycle; a cycle of a small heap is cheaper.
constexpr Bytes kStep = 128_MiB;
constexpr double kStepShare = 1.0 / 16;
constexpr Bytes kLeastStep = 24_MiB;
constexpr double kLeastStepShare = 1.0 / 8;  ///< of the target
constexpr std::uint64_t kLeastStepRegions = 2;
constexpr Bytes kWorthwhile = 64_MiB;
constexpr double kWorthwhileShare = 0.25;
constexpr double kWorthwhileShareBusy = 0.06;
constexpr double kWorthwhileGrowth = 0.25;  ///< of what is committed: the cycle is to be earned by fewer collections
constexpr std::uint64_t kVainPart = 4;      ///< of a step: one that brings less is in vain
constexpr Duration kBetweenSteps = std::chrono::seconds(4);
constexpr Duration kFirstRest = std::chrono::seconds(30);
constexpr Duration kLongestRest = std::chrono::minutes(10);
constexpr Duration kContent = std::chrono::minutes(1);

Bytes least_step(const LeisureSight& seen) {
    return std::min(kLeastStep, std::max(share_of(seen.target, kLeastStepShare), seen.heap.region * kLeastStepRegions));
}

/// Less than this beyond a target is left to chunks, and is no growth.
Bytes worthwhile(const LeisureSight& seen) {
    if (seen.also_busy) return std::max(least_step(seen), share_of(seen.target, kWorthwhileShareBusy));
    return std::max(kWorthwhile, share_of(seen.target, kWorthwhileShare));
}

double bearable(const LeisureSight& seen) {
    const double share = seen.least.as_double() / std::max(1.0, seen.heap.max.as_double() * kScaledBelow);
    const double threshold = std::max(kLeastThreshold, seen.heap.grows_at_pauses * std::min(1.0, share));
    return seen.also_busy ? threshold * kBearable : std::min(kMostBearable, threshold * kBearable);
}

}  // namespace

void LeisurePlan::watch_pauses(const LeisureSight& seen, TimePoint now) {
    const bool ended = now - window_at_ >= kWindow;
    if (watching_ && !seen.disturbed && !ended) return;
    if (watching_ && !seen.disturbed) {
        const double share = to_seconds(seen.heap.stopped - stopped_) / to_seconds(now - window_at_);
        pressed_ = share >= bearable(seen);
        calm_windows_ = pressed_ ? 0 : std::min(calm_windows_ + 1, kCalmWindows);
        collects_ = seen.heap.young_gcs != young_gcs_;
    } else if (!by_size_) {
        calm_windows_ = 0;  // what was taken just now is held by chunks for the time being
    }
    watching_ = true;
    window_at_ = now;
    stopped_ = seen.heap.stopped;
    young_gcs_ = seen.heap.young_gcs;
}

bool LeisurePlan::has_grown(const LeisureSight& seen) const {
    return seen.heap.committed > std::max(size_, seen.target) + worthwhile(seen);
}

bool LeisurePlan::is_at_ease(const LeisureSight& seen) const {
    return seen.also_busy ? !pressed_ : calm_windows_ >= kCalmWindows;
}

bool LeisurePlan::is_small_yet(const LeisureSight& seen) {
    return seen.unfilled && seen.heap.committed <= share_of(seen.heap.max, kSmallShare);
}

bool LeisurePlan::may_begin(const LeisureSight& seen) const {
    if (is_small_yet(seen)) return seen.able && !pressed_;
    return (seen.also_busy ? seen.able : seen.ready) && is_at_ease(seen);
}

void LeisurePlan::observe(const LeisureSight& seen, TimePoint now) {
    if (seen.heap.grows_at_pauses <= 0) return;
    watch_pauses(seen, now);
    if (seen.ordered) size_ = std::max(size_, seen.heap.committed);
    if (by_size_ && has_grown(seen) && (!seen.also_busy || pressed_)) cancel(now);
    if (!by_size_ && may_begin(seen) && now >= after_growth_.until) {
        by_size_ = true;
        size_ = seen.heap.committed;
    }
    size_ = std::max(std::min(size_, seen.heap.committed), seen.target);
}

bool LeisurePlan::wants_steps(const LeisureSight& seen, TimePoint now) const {
    const Bytes beyond = saturating_sub(seen.heap.committed, seen.least);
    const bool rests = now < std::max(after_growth_.until, after_vain_step_.until);
    return by_size_ && is_at_ease(seen) && !rests && beyond > worthwhile(seen);
}

bool LeisurePlan::has_steps_to_come(const LeisureSight& seen, TimePoint now) const {
    return wants_steps(seen, now) && seen.most_at_once >= least_step(seen);
}

bool LeisurePlan::lacks_room(const LeisureSight& seen, TimePoint now) const {
    return wants_steps(seen, now) && seen.most_at_once < least_step(seen);
}

Bytes LeisurePlan::step(const LeisureSight& seen, TimePoint now) const {
    if (!seen.ready || seen.disturbed || now < next_step_ || !has_steps_to_come(seen, now)) return {};
    const Bytes usual = seen.also_busy ? seen.heap.max : std::max(kStep, share_of(seen.heap.max, kStepShare));
    const Bytes most = std::min(usual, seen.most_at_once);
    return round_down(std::min(saturating_sub(seen.heap.committed, seen.least), most), seen.heap.region);
}

Bytes LeisurePlan::growth(const LeisureSight& seen, TimePoint now) const {
    const bool may = by_size_ && seen.ready && !seen.disturbed && now >= std::max(next_step_, after_vain_step_.until);
    const Bytes more = round_down(saturating_sub(seen.target, seen.heap.committed), seen.heap.region);
    const Bytes enough = std::max(worthwhile(seen), share_of(seen.heap.committed, kWorthwhileGrowth));
    return may && collects_ && more >= enough ? more : Bytes();
}

void LeisurePlan::step_began(const LeisureSight& seen, TimePoint now) {
    step_ = step(seen, now);
    grows_ = step_.is_zero();
    if (grows_) step_ = growth(seen, now);
    size_at_step_ = seen.heap.committed;
    next_step_ = now + kFirstRest;
}

void LeisurePlan::step_ended(const LeisureSight& seen, TimePoint now) {
    const Bytes least(step_.count() / kVainPart);
    const Bytes committed = seen.heap.committed;
    const bool in_vain = grows_ ? committed < size_at_step_ + least : committed + least > size_at_step_;
    if (in_vain) after_vain_step_.begin(now);
    if (!in_vain) after_vain_step_.length = {};  // what stood in the way did so by chance
    next_step_ = now + kBetweenSteps;
    if (grows_) return;
    shrunk_ = shrunk_ || !in_vain;
    const bool last = in_vain || saturating_sub(seen.heap.committed, seen.least) <= worthwhile(seen);
    if (last && std::exchange(shrunk_, false)) converted_ = true;
}

std::string LeisurePlan::state(const LeisureSight& seen, TimePoint now) const {
    const auto until = [&](TimePoint then) { return std::to_string(to_millis(then - now).count() / 1000 + 1) + " s"; };
    const bool calm = is_at_ease(seen);
    if (!by_size_) {
        if (now < after_growth_.until)
            return "by chunks: made smaller, it grew or was in distress; again in " + until(after_growth_.until);
        if (seen.disturbed) return "by chunks: its balloon is being made";
        return calm ? "by chunks" : "by chunks: the program has not been calm for long enough";
    }
    if (saturating_sub(seen.heap.committed, seen.least) <= worthwhile(seen)) return "by its size";
    if (now < after_vain_step_.until)
        return "by its size: the last step was in vain; again in " + until(after_vain_step_.until);
    if (!calm) return "by its size: smaller when the program is calm";
    return lacks_room(seen, now) ? "by its size: smaller when more is free" : "by its size: being made smaller";
}

bool LeisurePlan::take_converted() { return std::exchange(converted_, false); }

void LeisurePlan::Rest::begin(TimePoint now) {
    const bool again = length > Duration::zero() && now - until < length + kContent;
    length = again ? std::min(length * 2, kLongestRest) : kFirstRest;
    until = now + length;
}

void LeisurePlan::cancel(TimePoint now) {
    shrunk_ = false;
    if (std::exchange(by_size_, false)) after_growth_.begin(now);
}

}  // namespace aerostat::agent
