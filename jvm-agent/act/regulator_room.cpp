#include <algorithm>
#include <utility>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/old_generation.h"
#include "jvm-agent/decide/sizing.h"

// How large the balloon may be, and what else of the heap can be had.
namespace aerostat::agent {

HeapFacts Regulator::chunks_within() const { return size_hold_.chunks_within(heap_.facts(), held_.cap); }

Bytes Regulator::room() const {
    if (!heap_.facts().old) return room_for_chunks(chunks_within());
    return chunks_.upkeep().room_in_old(heap_.facts(), ports_.clock.now());
}

Bytes Regulator::limit() const {
    if (!held_.target) return Bytes();
    const Bytes held = balloon_.size().granted;
    const Bytes most = heap_.facts().old ? held + old_generation_room(heap_.facts(), held) : heap_.facts().max;
    return std::min(largest_balloon(*held_.target, heap_.application()), most);
}

Bytes Regulator::largest_balloon(HeapTarget target, Bytes application) const {
    const bool none = chunks_.broken() || !rules_.can_hold_chunks || needs_no_chunks(target);
    return none ? Bytes() : bearable_balloon(target, application);
}

bool Regulator::needs_no_chunks(HeapTarget target) const {
    return held_.cap != Cap::hard && keeps_itself_small(heap_.facts(), target.footprint);
}

/// What the program and the collector can spare.
Bytes Regulator::bearable_balloon(HeapTarget target, Bytes application) const {
    const HeapFacts within = chunks_within();
    return std::min(balloon_limit(within, target, application, heap_.live()), guard_.bearable(within, application));
}

Prospects Regulator::prospects() const {
    const TimePoint now = ports_.clock.now();
    ProspectSight seen;
    seen.heap = heap_.facts();
    seen.resident = heap_.resident();
    seen.is_looked_at = heap_.looks().is_known();
    seen.application = heap_.application();
    seen.live = heap_.live();
    seen.balloon = balloon_.size().granted;
    seen.room = guard_.may_inflate(now) ? room() : Bytes();
    seen.cost_of_cycle = drive_.cost_of_cycle();
    seen.since_cycle = now - heap_.cycle_seen_at();
    seen.largest_balloon = [this](HeapTarget target, Bytes application) { return largest_balloon(target, application); };
    return Prospects(std::move(seen));
}

Bytes Regulator::floor() const {
    const Bytes tried = tried_floor_.value(ports_.clock.now()).value_or(Bytes());
    const Bytes program = heap_.program_floor();
    return std::min(heap_.facts().max, std::max({program, tried, prospects().floor_as_held({program})}));
}

Bytes Regulator::releasable() const {
    const Bytes occupied = heap_.held_by_program();
    const Bytes room =
        heap_.facts().old ? old_generation_room(heap_.facts(), balloon_.size().granted) : room_for_chunks(chunks_within());
    return std::min(saturating_sub(footprint().resident, std::max(occupied, floor())), room);
}

void Regulator::inflate_slice(Bytes wanted, Duration slice) {
    chunks_.inflate(wanted, slice, running_.has_value());
    if (chunks_.broken() && running_) finish(EndReason::not_reclaimable, chunks_.broken()->message);
}

void Regulator::give_back_beyond(HeapTarget target) {
    const Bytes allowed = saturating_sub(chunks_within().max, target.footprint);
    chunks_.let_go(saturating_sub(balloon_.size().granted, allowed));
}

}  // namespace aerostat::agent
