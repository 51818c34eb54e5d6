#include <algorithm>

#include "jvm-agent/act/regulator.h"

// What is done between operations: the target is held, and pages that came back are released again.
namespace aerostat::agent {
namespace {

constexpr Duration kIdle = std::chrono::seconds(1);
constexpr Duration kSoon = std::chrono::milliseconds(20);
/// One burst of chunks in the background. Long bursts, because each starts a concurrent cycle, whatever its size.
constexpr Duration kBurst = std::chrono::milliseconds(40);
constexpr double kBeyondTarget = 1.05;
/// Under load chunks take room that the collector needs: it commits more, and that would need more of them.
constexpr double kLeftToRemarks = 1.08;
/// So little more than that beyond a target is left alone.
constexpr std::uint64_t kWorthwhileRegions = 2;

}  // namespace

BalloonGap Regulator::balloon_gap() const {
    const HeapFacts& heap = heap_.facts();
    return {held_, limit(), balloon_.size().granted, heap_.resident(), heap.region, heap.old.has_value()};
}

Duration Regulator::hold_target() {
    if (!held_.target || growth_.has_outgrown() || chunks_.broken()) return kIdle;
    if (drive_.goal()) return kSoon;  // what was let go is for the collector
    if (needs_no_chunks(*held_.target)) {
        chunks_.let_go(balloon_.size().granted);
        follow_balloon(Bytes());  // it follows what is occupied, and by how much the heap passes it
        return kIdle;
    }
    const TimePoint now = ports_.clock.now();
    if (!guard_.may_inflate(now)) return std::min(kIdle, guard_.wait(now));
    if (is_held_down() &&
        heap_.facts().committed <= share_of(held_.target->footprint, kLeftToRemarks) + balloon_.size().granted)
        return kIdle;
    const BalloonGap gap = balloon_gap();
    const Bytes wanted = std::min(gap.missing(), room());
    if (wanted < gap.least_burst()) return kIdle;
    charge_own_cycle();
    const Bytes owes = owed();
    // It is about to be smaller: a burst of chunks costs more cycles than a step does.
    if (owes.is_zero() && size_hold_.plan().has_steps_to_come(leisure_sight(), now)) return kIdle;
    if (held_.cap != Cap::hard && owes.is_zero() && !budget_.may_work(now)) return std::min(kIdle, budget_.wait(now));
    budget_.cycle_begins(ports_.marking_cpu());
    const Bytes before = balloon_.size().granted;
    inflate_slice(owes.is_zero() ? wanted : std::min(wanted, owes), kBurst);
    if (!owes.is_zero()) heap_.take_off(saturating_sub(balloon_.size().granted, before));
    return held_.cap == Cap::hard ? Duration::zero() : kSoon;
}

void Regulator::charge_own_cycle() {
    if (budget_.owes_cycle()) budget_.charge_cycle(ports_.marking_cpu());
}

/// The heap has grown past its target without having outgrown it: the collector's levers once more.
Duration Regulator::squeeze_again() {
    const TimePoint now = ports_.clock.now();
    if (!held_.target || growth_.has_outgrown() || chunks_.broken() || drive_.works() || !guard_.may_inflate(now))
        return kIdle;
    if (size_hold_.plan().has_steps_to_come(leisure_sight(), now)) return kIdle;
    const bool beyond =
        heap_.resident() > share_of(held_.target->footprint, kBeyondTarget) + heap_.facts().region * kWorthwhileRegions;
    if (!beyond) drive_.spacing().is_within_target();
    if (!beyond || !drive_.has_rested(now) || !prospects().is_worth_cycles(*held_.target) || !budget_.may_work(now))
        return kIdle;
    drive_.spacing().begins_again();
    pull_levers();
    return kSoon;
}

Duration Regulator::pass_over_chunks() {
    if (balloon_.count() == 0) return kIdle;
    const TimePoint now = ports_.clock.now();
    const bool stress = rules_.stress_passes;
    const bool rests = !chunks_.upkeep().is_pass_due(now) || !budget_.may_work(now);
    if (!stress && (rests || heap_.facts().collecting.value_or(ports_.marking()))) return kIdle;
    return chunks_.pass(stress);
}

}  // namespace aerostat::agent
