#include <algorithm>

#include "jvm-agent/act/regulator.h"

// How the program is protected from the balloon, and how it is let go when it has outgrown its target.
namespace aerostat::agent {
void Regulator::protect(const GcLoad& gc) {
    const TimePoint now = ports_.clock.now();
    const bool ours = causes_collections();
    const GuardVerdict verdict =
        guard_.judge({heap_.facts(), balloon_.size().granted, heap_.application(), balloon_.cleared(), gc, ours,
                      chunks_.upkeep().is_leaving(), is_held_down() ? heap_.facts().committed : Bytes(), heap_.alive()},
                     now);
    if (!verdict.distress.empty()) {
        if (!heap_.facts().old || verdict.distress != "full-gc")
            chunks_.deflate(verdict.release);
        else
            chunks_.take_pages_again();
        distress_ = verdict.distress;
        size_hold_.plan().cancel(now);
        if (drive_.goal()) end_drive();
        drive_.drop_goal();
        const bool cleared = verdict.distress == "cleared-chunks";
        listener_.on_pressure({verdict.release, cleared ? verdict.distress : "gc-distress", {}});
    } else if (!guard_.is_distressed(now)) {
        distress_.clear();
    }
    chunks_.keep_alive();
}

bool Regulator::program_has_grown() const { return growth_.has_grown(heap_.application(), heap_.facts().region); }

/// By the JVM's own ratios each remark would make as much room beside its chunks again as they take.
bool Regulator::yields_with_balloon() const {
    return growth_.has_outgrown() && size_hold_.applies(heap_.facts()) && balloon_.count() > 0;
}

/// Low free ratios shrink the heap at every remark: under a growing program they must go at once.
void Regulator::yield_to_growth() {
    if (!held_.target || running_) return;
    const Bytes application = heap_.application();
    const Bytes occupied =
        is_held_down() ? std::min(application, heap_.alive()) : application;  // it may be full of what is dead
    if (!growth_.observe({application, occupied, held_.target->footprint, heap_.facts().region})) return;
    size_hold_.plan().cancel(ports_.clock.now());
    if (yields_with_balloon())
        raise_levers();
    else
        drive_.restore(ports_.clock.now());
    listener_.on_pressure({GrowthWatch::wanted(application, held_.target->footprint), "heap-growth", {}});
}

}  // namespace aerostat::agent
