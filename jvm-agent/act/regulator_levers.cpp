#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/sizing.h"

// What the collector is shown and made to do, for an operation or to hold a target.
namespace aerostat::agent {
namespace {

constexpr Duration kForOneChunk = std::chrono::milliseconds(10);

}  // namespace

LeverSight Regulator::lever_sight() const { return lever_sight(drive_.goal()); }

LeverSight Regulator::lever_sight(std::optional<Bytes> goal) const {
    LeverSight seen{heap_.facts(), held_.target.value_or(HeapTarget{heap_.facts().max}), heap_.live(), heap_.application(),
                    balloon_.size().granted + heap_.vacant()};
    if (held_.target && needs_no_chunks(seen.target)) {
        const Bytes beyond = soft_overshoot_.expected(seen.target.footprint);
        seen.target.footprint = std::max(heap_.facts().minimum, saturating_sub(seen.target.footprint, beyond));
    }
    seen.yields = yields_with_balloon();
    const bool under_load = is_held_under_load();
    if (!size_hold_.holds() || (running_ && !under_load)) return seen;
    seen.balloon = balloon_.size().granted;  // what was let go is free at the collection that begins the cycle
    size_hold_.set_size(seen, under_load, goal);
    return seen;
}

void Regulator::follow_balloon(Bytes more) {
    if (!held_.target) return;
    LeverSight seen = lever_sight();
    seen.balloon += more;
    drive_.follow_balloon(seen);
}

void Regulator::pull_levers(std::optional<Bytes> goal) {
    drive_.begin(lever_sight(goal ? goal : drive_.goal()), ports_.marking_cpu(), ports_.clock.now(), goal);
    if (drive_.phase() == LeverPhase::unavailable) return;
    // A humongous allocation starts a concurrent cycle at once when much is occupied; the interval alone is looked at
    // once a second. Not while the guard backs off: it would take that chunk for a new offence.
    if (heap_.facts().kind == CollectionKind::young_and_marking && running_ && guard_.may_inflate(ports_.clock.now()) &&
        !room_for_chunks(heap_.facts()).is_zero() && !limit().is_zero())
        inflate_slice(heap_.facts().region, kForOneChunk);
}

void Regulator::follow_levers() {
    if (!drive_.works()) return;
    if (drive_.goal()) return follow_step();
    if (drive_.is_overdue(ports_.clock.now())) return end_drive();
    if (levers().collects_fully()) return follow_full_collections();
    if (drive_.has_cycled(heap_.facts())) return cycle_is_over();
    if (is_held_under_load()) follow_balloon(Bytes());  // the remark goes by what is occupied then
    drive_.pace(lever_sight(), ports_.marking(), ports_.clock.now());
}

/// Whether another is to be driven.
void Regulator::cycle_is_over() {
    const bool progress = drive_.count_cycle(lever_sight(), ports_.marking_cpu());
    const bool was_held = held_.target && (!running_ || running_->held_before.target);
    const bool enough = was_held && !prospects().is_worth_cycles(*held_.target);
    const bool in_vain = drive_.is_exhausted() || (!progress && enough);
    drive_.spacing().set_in_vain(in_vain);
    if (in_vain || enough || holds_again()) end_drive();
    if (running_ && enough) running_->slight = true;
}

/// An operation ends with its target. What is driven between operations ends when no more than the target can be resident.
bool Regulator::holds_again() const {
    const Bytes most = saturating_sub(heap_.facts().committed, balloon_.size().granted);
    return !running_ && held_.target && heap_.facts().levers_give && most <= held_.target->footprint;
}

/// One at a time, with a pause for the program after each, and only as many as are allowed.
void Regulator::follow_full_collections() {
    const TimePoint now = ports_.clock.now();
    if (drive_.rests_from_collection(now)) return;
    drive_.count_collection(lever_sight());
    const bool stops_the_world = heap_.facts().kind == CollectionKind::stop_the_world;
    const bool enough = drive_.is_exhausted() || !running_ || (!stops_the_world && enough_is_free());
    if (enough || !drive_.may_collect(now)) return end_drive();
    chunks_.deflate_all();  // it would come back, all of it, while the program stands still; or be cleared
    static_cast<void>(ports_.heap.collect_fully());  // what it has brought is seen next time
    drive_.collected(now, ports_.clock.now());
    heap_.distrust_look();
    if (stops_the_world) return;
    chunks_.observe();
    end_drive();  // one sees all there is
}

/// What is free already is taken without a collection: one that is concurrent clears the program's soft references.
bool Regulator::enough_is_free() const {
    const Bytes missing = saturating_sub(heap_.resident(), running_->order.target.footprint);
    const Bytes may_go = saturating_sub(limit(), balloon_.size().granted) + heap_.facts().region;  // both are rounded
    const bool is_free = room() >= missing + heap_.facts().region * ChunkWork::kAhead && may_go >= missing;
    return is_free && guard_.may_inflate(ports_.clock.now());
}

void Regulator::end_drive() { drive_.end(lever_sight(), ports_.clock.now()); }

/// A setting that could not be put back, say because the heap was full just then, must not stay for ever.
void Regulator::retry_restoring() {
    const bool nothing_is_held = !running_ && (!held_.target || growth_.has_outgrown()) && !yields_with_balloon();
    const TimePoint now = ports_.clock.now();
    if (nothing_is_held && drive_.should_restore_again(now)) drive_.restore(now);
}

}  // namespace aerostat::agent
