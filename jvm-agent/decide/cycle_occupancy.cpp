#include "jvm-agent/decide/cycle_occupancy.h"

#include <algorithm>
#include <cmath>

namespace aerostat::agent {
namespace {

constexpr double kMemorySeconds = 20;
/// A rate that was higher during the cycle than it is of late must not make the live set vanish.
constexpr double kLeastAlive = 0.5;

}  // namespace

void CycleOccupancy::observe(const CycleSight& seen) {
    const bool begun = !first_ && seen.started != last_.started;
    const bool ended = !seen.running && (last_.running || begun);
    learn_rate(seen);
    // A cycle that ended between two looks, with the next one running already, has left only its traces in the least seen.
    if (begun && last_.running && seen.running) {
        CycleSight least = last_;
        least.occupied = std::min(during_, seen.occupied);
        set_after(least);
        had_cycle_ = true;
    }
    if (begun || first_) during_ = seen.occupied;
    during_ = std::min(during_, seen.occupied);
    if (ended) {
        set_after(seen);
        had_cycle_ = true;
    } else if (!had_cycle_ || (!seen.running && seen.occupied < after_)) {
        set_after(seen);
    }
    first_ = false;
    last_ = seen;
}

void CycleOccupancy::set_after(const CycleSight& seen) {
    after_ = seen.occupied;
    const Duration age = seen.began ? std::max(seen.now - *seen.began, Duration::zero()) : Duration::zero();
    alive_ = std::max(saturating_sub(after_, allocated_in(age)), share_of(after_, kLeastAlive));
}

/// Between two looks without a cycle what is occupied only grows, but for the rest of what the last one frees.
void CycleOccupancy::learn_rate(const CycleSight& seen) {
    if (first_ || seen.running || last_.running || seen.started != last_.started || seen.occupied < last_.occupied) return;
    const double seconds = to_seconds(seen.now - last_.now);
    const double keep = std::exp(-seconds / kMemorySeconds);
    grown_ = grown_ * keep + saturating_sub(seen.occupied, last_.occupied).as_double();
    time_ = time_ * keep + seconds;
}

Bytes CycleOccupancy::allocated_in(Duration time) const {
    return time_ > 0 ? Bytes(static_cast<std::uint64_t>(grown_ / time_ * to_seconds(time))) : Bytes();
}

}  // namespace aerostat::agent
