#include "jvm-agent/decide/cycle_occupancy.h"

#include <algorithm>

namespace aerostat::agent {

void CycleOccupancy::observe(std::uint64_t started, bool running, Bytes occupied) {
    const bool begun = !first_ && started != started_;
    const bool ended = !running && (running_ || begun);
    // A cycle that ended between two looks, with the next one running already, has left only its traces in the least seen.
    if (begun && running_ && running) {
        after_ = std::min(during_, occupied);
        had_cycle_ = true;
    }
    if (begun || first_) during_ = occupied;
    during_ = std::min(during_, occupied);
    if (ended) {
        after_ = occupied;
        had_cycle_ = true;
    } else if (!had_cycle_) {
        after_ = occupied;
    } else if (!running) {
        after_ = std::min(after_, occupied);
    }
    first_ = false;
    running_ = running;
    started_ = started;
}

}  // namespace aerostat::agent
