#include <algorithm>

#include "jvm-agent/act/regulator.h"

// A calm heap that sizes itself (G1) is made as small as its target, step by step, so that it needs no chunks to be held.
namespace aerostat::agent {
namespace {

constexpr Duration kLongestStep = std::chrono::seconds(10);
constexpr std::uint64_t kWorthwhileRegions = 4;
/// Of what a heap holds the program may occupy so much after a collection.
constexpr double kComfortable = 0.70;
constexpr Duration kWhileMarking = std::chrono::milliseconds(40);
constexpr Duration kBeforeMarking = std::chrono::milliseconds(250);
constexpr Duration kSeldom = std::chrono::seconds(1);
/// Of what is free beside the balloon a step takes one part; the program works with the rest until chunks are let go for it.
constexpr std::uint64_t kPartsOfRoom = 2;

}  // namespace

LeisureSight Regulator::leisure_sight() const {
    LeisureSight seen;
    seen.heap = heap_.facts();
    seen.also_busy = size_hold_.also_busy();
    if (seen.also_busy) seen.heap.grows_at_pauses = kHoldingGrowsAt;
    seen.unfilled = balloon_.count() == 0;
    seen.target = held_.target ? held_.target->footprint : heap_.facts().max;
    const Bytes occupied = std::max(heap_.application(), heap_.live().value_or(Bytes()));
    seen.least =
        std::max({seen.target, heap_.facts().minimum, share_of(occupied, 1 / kComfortable) + heap_.facts().region * 4});
    seen.most_at_once =
        saturating_sub(heap_.facts().committed, balloon_.size().granted + heap_.application()) / kPartsOfRoom;
    seen.ordered = running_.has_value() || (seen.also_busy && !levers().is_holding());
    const BalloonGap gap = balloon_gap();
    const bool filled = gap.missing() < std::max(heap_.facts().region * kWorthwhileRegions, gap.least_burst());
    seen.disturbed = running_ || drive_.works() || causes_collections() || !(filled || size_hold_.holds());
    return seen;
}

/// Asked last, as to look the settings up takes the longest. Under load it is held so while an order is carried out, too.
bool Regulator::may_be_sized(const LeisureSight& seen) const {
    const bool small = LeisurePlan::is_small_yet(seen);
    const bool in_peace = seen.also_busy || small || !seen.disturbed;
    const bool held = held_.target && in_peace && !growth_.has_outgrown() && !chunks_.broken() && held_.cap != Cap::hard &&
                      heap_.facts().levers_give;
    if (!held || !rules_.can_hold_chunks || !guard_.may_inflate(ports_.clock.now())) return false;
    if (heap_.facts().pauses == 0 && !small) return false;
    LeverSight levers = lever_sight();
    levers.size = seen.target;
    return drive_.levers().can_size(levers);
}

void Regulator::tend_leisure() {
    if (!size_hold_.applies(heap_.facts())) return;
    const TimePoint now = ports_.clock.now();
    const bool held = size_hold_.holds();
    LeisureSight seen = leisure_sight();
    seen.able = may_be_sized(seen);
    seen.ready = seen.able && !seen.disturbed;
    size_hold_.plan().observe(seen, now);
    drive_.follow_hold(lever_sight());
    // The collector has made it smaller itself.
    if (held_.target && !running_ && !drive_.works())
        let_go_down_to(saturating_sub(chunks_within().max, held_.target->footprint));
    if (!size_hold_.holds() || !seen.ready) return;
    if (!held || drive_.is_wide_open(now)) drive_.hold_again(lever_sight(), now);
    // A balloon for the whole maximum may leave less than that of what is committed.
    if (size_hold_.plan().lacks_room(leisure_sight(), now)) let_go_down_to(limit());
    const Bytes less = size_hold_.plan().step(seen, now);
    const Bytes more = less.is_zero() ? size_hold_.plan().growth(seen, now) : Bytes();
    if ((less + more).is_zero() || ports_.marking() || !budget_.may_work(now)) return;
    resize(seen, saturating_sub(heap_.facts().committed + more, less));
}

/// After chunks have given what the target gives. By its own settings the collector would count what is left of them as the
/// program's, and make the heap larger by as much again.
void Regulator::raise_levers() {
    if (!size_hold_.applies(heap_.facts())) return drive_.restore(ports_.clock.now());
    drive_.drop_goal();
    if (drive_.works()) end_drive();
    drive_.hold(lever_sight());
}

std::string Regulator::held_how() const {
    if (!held_.target || running_) return {};
    const bool by_soft_maximum = needs_no_chunks(*held_.target);
    const bool one_way = !size_hold_.applies(heap_.facts()) || !rules_.can_hold_chunks;
    if (one_way && !by_soft_maximum) return {};
    const TimePoint now = ports_.clock.now();
    if (growth_.has_outgrown()) return "no more: the program has outgrown its target";
    if (by_soft_maximum) return "by its soft maximum";
    if (held_.cap == Cap::hard) return "by chunks, as ordered (cap hard)";
    if (!guard_.may_inflate(now)) return "as it is: the guard backs off";
    LeisureSight seen = leisure_sight();
    seen.able = may_be_sized(seen);
    if (!seen.able && !seen.disturbed) return "by chunks: the heap's own settings cannot be used";
    return size_hold_.plan().state(seen, now);
}

void Regulator::let_go_down_to(Bytes most) {
    const Bytes excess = saturating_sub(balloon_.size().granted, most);
    if (excess >= heap_.facts().region * kWorthwhileRegions) chunks_.let_go(excess);
}

/// First the heap becomes smaller, by a part of what is free in it, then so many chunks are let go. So at no time can more
/// become resident than the target leaves; if the program needs the room meanwhile, the collector commits more. Larger: by
/// the remark alone, as far as the target goes.
void Regulator::resize(const LeisureSight& seen, Bytes goal) {
    charge_own_cycle();
    budget_.cycle_begins(ports_.marking_cpu());
    size_hold_.plan().step_began(seen, ports_.clock.now());
    pull_levers(goal);
    if (!drive_.works()) size_hold_.plan().step_ended(seen, ports_.clock.now());
}

void Regulator::follow_step() {
    const bool in_time = drive_.lasts(ports_.clock.now()) < kLongestStep;
    if (!drive_.has_cycled(heap_.facts()) && in_time && size_hold_.holds()) {
        follow_balloon(Bytes());  // what the collection that began the cycle has left occupied decides
        return drive_.pace(lever_sight(), ports_.marking(), ports_.clock.now());
    }
    drive_.drop_goal();
    end_drive();
    let_go_down_to(bearable_balloon(*held_.target, heap_.application()));
    charge_own_cycle();
    size_hold_.plan().step_ended(leisure_sight(), ports_.clock.now());
    heap_.distrust_look();
    if (size_hold_.plan().take_converted()) tried_floor_.forget();  // what the collector keeps has become less
}

/// Not from a program that is about to outgrow its target.
Bytes Regulator::owed() const {
    if (!held_.target || program_has_grown()) return {};
    return size_hold_.owed(heap_.facts(), *held_.target, heap_.resident());
}

bool Regulator::is_held_under_load() const { return size_hold_.holds_under_load(held_.target); }

bool Regulator::is_held_down() const { return size_hold_.holds_down(held_.target, heap_.facts().committed); }

/// A busy program marks by itself: each of its remarks makes the heap as large as it is to be, at no cost. Where eden
/// counts the settings follow what fills it.
Duration Regulator::follow_own_cycles() {
    const bool held = is_held_under_load();
    if (held) size_hold_.observe(heap_.facts().committed);
    if (!held || drive_.works()) return kSeldom;
    follow_balloon(Bytes());
    if (!heap_.facts().counts_eden || !lever_sight().exact) return kSeldom;
    return ports_.marking() ? kWhileMarking : kBeforeMarking;
}

}  // namespace aerostat::agent
