#include <algorithm>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/sizing.h"

// What is different where collections move chunks: in the old generation of Parallel and Serial.
namespace aerostat::agent {
namespace {

constexpr Duration kIdle = std::chrono::seconds(1);
constexpr Duration kNextSection = std::chrono::milliseconds(10);

}  // namespace

Bytes Regulator::room() const {
    if (!facts_.old) return room_for_chunks(chunks_within());
    return pace_.room(facts_, balloon_.size().granted, balloon_.is_settled(), ports_.clock.now());
}

/// A full collection has come all the same, and brought the balloon back. Letting go frees no chunk before the next one, so
/// their pages go first. If that one is here already there is no time for it.
void Regulator::take_pages_again() {
    if (returned_ > 0) {
        returned_ = 0;
        return deflate(balloon_.size().granted);
    }
    returned_ = balloon_.count();
}

/// One critical section a call.
Duration Regulator::tend_moved_chunks() {
    const bool moved = !balloon_.is_settled() && facts_.young_gcs != settled_at_gc_;
    returned_ = std::min(returned_, balloon_.count());
    if (!facts_.old || (returned_ == 0 && !moved)) return kIdle;
    const TimePoint now = ports_.clock.now();
    if (!pace_.may_enter(now)) return kNextSection;
    pace_.entered(now);
    if (returned_ == 0) {
        settled_at_gc_ = facts_.young_gcs;
        if (const auto settled = balloon_.settle_one(); !settled) stop_ballooning(settled.error());
    } else {
        --returned_;
        count_released(balloon_.refill_pass(1, true));
        if (returned_ == 0) deflate(balloon_.size().granted);
    }
    fresh_ = guess_ = false;
    return kNextSection;
}

}  // namespace aerostat::agent
