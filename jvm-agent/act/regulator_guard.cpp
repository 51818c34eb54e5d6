#include <algorithm>

#include "jvm-agent/act/regulator.h"

// How the program is protected from the balloon, and how it is let go when it has outgrown its target.
namespace aerostat::agent {
namespace {

/// Of its target: a program that occupies more after a collection has outgrown it; below kFitsAgain it is held again.
constexpr double kOutgrown = 0.85;
constexpr double kFitsAgain = 0.60;
constexpr double kGrown = 1.10;  ///< of the least it has occupied under this target
constexpr Duration kKeepAliveEvery = std::chrono::seconds(2);

}  // namespace

void Regulator::protect(const GcLoad& gc) {
    const TimePoint now = ports_.clock.now();
    const bool ours = causes_collections();
    const GuardVerdict verdict = guard_.judge({facts_, balloon_.size().granted, application_, balloon_.cleared(), gc, ours,
                                               returned_ > 0, is_held_down() ? facts_.committed : Bytes(), alive()},
                                              now);
    if (!verdict.distress.empty()) {
        if (facts_.old && verdict.distress == "full-gc")
            take_pages_again();
        else
            deflate(verdict.release);
        distress_ = verdict.distress;
        leisure_.cancel(now);
        if (drive_.goal.has_value()) end_drive(LeverPhase::spent);
        drive_.goal.reset();
        const bool cleared = verdict.distress == "cleared-chunks";
        listener_.on_pressure({verdict.release, cleared ? verdict.distress : "gc-distress", {}});
    } else if (!guard_.is_distressed(now)) {
        distress_.clear();
    }
    if (balloon_.count() > 0 && now - kept_alive_at_ >= kKeepAliveEvery) {
        balloon_.keep_alive();
        kept_alive_at_ = now;
    }
}

/// It occupies more than it did under this target.
bool Regulator::program_has_grown() const {
    return application_ > share_of(std::min(held_least_, application_), kGrown) + facts_.region * 4;
}

/// Low free ratios shrink the heap at every remark: under a growing program they must go at once.
void Regulator::yield_to_growth() {
    if (!target_ || running_) return;
    held_least_ = std::min(held_least_, application_);
    const Bytes occupied =
        is_held_down() ? std::min(application_, alive()) : application_;  // full of what is dead it may be
    const bool beyond = occupied > share_of(target_->footprint, kOutgrown);
    const bool grown = program_has_grown();
    if (!yielded_ && beyond && grown) {
        yielded_ = true;
        leisure_.cancel(ports_.clock.now());
        restore_levers();
        const Bytes wanted = saturating_sub(share_of(application_, 1.0 / kFitsAgain), target_->footprint);
        listener_.on_pressure({wanted, "heap-growth", {}});
    } else if (yielded_ && (application_ < share_of(target_->footprint, kFitsAgain) || !grown)) {
        yielded_ = false;
    }
}

}  // namespace aerostat::agent
