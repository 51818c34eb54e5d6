#include "jvm-agent/decide/live_estimate.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

using namespace literals;

/// Occupancy gained since the last cycle, as a share of the live set, beyond which the estimate is withdrawn.
constexpr double kStaleGrowth = 0.5;
constexpr Bytes kStaleAtLeast = 64_MiB;
/// Of the way from one guess to the next, at each collection.
constexpr double kDrift = 0.2;
/// A program that has not made one collection necessary for so long is silent; where one that allocates needs none, not
/// before so long after a cycle: old data may have died unseen.
constexpr Duration kSilence = std::chrono::seconds(3);
constexpr Duration kCycleTells = std::chrono::minutes(1);
constexpr Duration kSettling = std::chrono::seconds(5);
constexpr Duration kFirstBelief = std::chrono::seconds(10);
constexpr Duration kLongestBelief = std::chrono::minutes(10);

bool about_the_same(Bytes a, Bytes b) {
    return saturating_sub(std::max(a, b), std::min(a, b)) <= std::max(share_of(b, 0.1), kStaleAtLeast);
}

}  // namespace

void LiveEstimate::observe(const HeapFacts& heap, Bytes application, TimePoint now) {
    if (heap.whole_gcs && heap.collecting) return observe_cycles(heap, application, now);
    if (heap.kind == CollectionKind::young_and_marking || heap.kind == CollectionKind::stop_the_world) {
        garbage_.observe(heap, application);
        unproven_ = heap.kind == CollectionKind::stop_the_world && !garbage_.is_confirmed();
        if (!unproven_) application = saturating_sub(application, garbage_.expected());
    }
    last_pause_at_ = now;
    const std::uint64_t before = cycle_pauses_;
    const bool cycle = heap.cycle_pauses != cycle_pauses_;
    const bool young = heap.young_gcs != young_gcs_;
    const bool full = heap.full_gcs && *heap.full_gcs != full_gcs_;
    young_gcs_ = heap.young_gcs;
    cycle_pauses_ = heap.cycle_pauses;
    full_gcs_ = heap.full_gcs.value_or(0);
    if (!started_) {  // counts from before we were loaded tell nothing
        started_ = true;
        last_application_ = application;
        return;
    }
    // Two pauses seen at once: only a young collection after an earlier cycle is sure to have come after a cycle.
    const bool after_cycle = fresh_cycle_;
    if (full || (young && after_cycle)) {
        take(application);
        // Remark and cleanup may still be those of a cycle that ran at that moment; the next remark is not.
        seen_ = seen_ || full || before >= forgotten_at_ + 3;
        if (seen_ && asking_) believe_longer(now);
    } else if (young) {
        // The cycle's own collections come right after it. Later ones are the program's: it is at work again, and what is
        // alive when it falls silent is not what was.
        if (now - believed_since_ > kSettling) believed_until_ = std::min(believed_until_, now);
        if (live_ && garbage_.searches() != searches_)
            take(application);
        else
            follow(application);
    }
    searches_ = garbage_.searches();
    if (cycle) fresh_cycle_ = true;
    if (cycle || full) last_cycle_at_ = now;
    if (young || full) last_application_ = application;
}

bool LiveEstimate::SignOfWork::observe(Bytes occupied, Bytes region, TimePoint now) {
    const Bytes grown = saturating_sub(occupied, occupied_);
    const double in_windows = std::max(1.0, to_seconds(now - since_) / to_seconds(kSilence));
    const bool enough = grown > region * 2;
    const bool works = enough && grown.as_double() > in_windows * (region * 2).as_double();
    if (enough || in_windows > 1 || occupied < occupied_) forget(occupied, now);
    return works;
}

void LiveEstimate::watch(Bytes occupied, Bytes region, TimePoint now) {
    if (work_.observe(occupied, region, now) && started_) allocated_at_ = now;
}

void LiveEstimate::observe_cycles(const HeapFacts& heap, Bytes application, TimePoint now) {
    const bool whole = *heap.whole_gcs != whole_gcs_;
    whole_gcs_ = *heap.whole_gcs;
    collecting_ = *heap.collecting;
    // Cycles are rare where much is free: allocation shows that the program is at work.
    const bool works = work_.observe(heap.used, heap.region, now);
    if (whole) work_.forget(heap.used, now);
    if (!started_ || works) last_pause_at_ = now;
    if (!started_) {
        started_ = true;
        last_application_ = application;
        return;
    }
    if (whole) {
        take(application);
        seen_ = seen_ || whole_gcs_ > forgotten_whole_;
        if (seen_ && asking_) believe_longer(now);
    } else if (live_ && application < *live_) {
        take(application);  // the cycle goes on giving back after its end
    } else {
        grown_since_ += saturating_sub(application, last_application_);
    }
    last_application_ = application;
}

/// What a collection leaves is no less than what is alive; but less expected garbage it is a guess that errs both ways.
void LiveEstimate::follow(Bytes application) {
    if (!live_) return;
    grown_since_ = saturating_sub(application, *live_);
    if (!unproven_ && !garbage_.expected().is_zero()) {
        live_ = share_of(*live_, 1 - kDrift) + share_of(application, kDrift);
    } else if (application < *live_) {
        take(application);
    }
}

void LiveEstimate::take(Bytes application) {
    live_ = application;
    grown_since_ = Bytes();
    fresh_cycle_ = false;
}

void LiveEstimate::believe_longer(TimePoint now) {
    const bool confirmed = asked_live_ && about_the_same(*live_, *asked_live_);
    belief_ = confirmed ? std::min(belief_ * 2, kLongestBelief) : kFirstBelief;
    believed_since_ = now;
    believed_until_ = now + belief_;
    asked_live_ = live_;
    asking_ = false;
}

std::optional<Bytes> LiveEstimate::value(TimePoint now) const {
    if (!live_) return std::nullopt;
    if (now >= believed_until_ && is_silent(now)) return std::nullopt;
    if (grown_since_ > std::max(share_of(*live_, kStaleGrowth), kStaleAtLeast)) return std::nullopt;
    return live_;
}

std::optional<Bytes> LiveEstimate::assumed(TimePoint now) const {
    if (const auto known = value(now)) return unproven_ ? std::max(*known, last_application_) : *known;
    if (!started_ || is_silent(now)) return std::nullopt;
    return last_application_;
}

bool LiveEstimate::is_silent(TimePoint now) const {
    const bool works = now - allocated_at_ <= kSilence && now - last_cycle_at_ <= kCycleTells;
    return now - last_pause_at_ > kSilence && !works;
}

}  // namespace aerostat::agent
