#include <algorithm>
#include <utility>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/old_generation.h"

// How one shrink operation is carried out.
namespace aerostat::agent {
namespace {

constexpr Duration kSlice = std::chrono::milliseconds(10);
constexpr Bytes kWorthSaying = Bytes(1024 * 1024);
constexpr Duration kWait = std::chrono::milliseconds(50);

void add_detail(OperationResult& result, const std::string& text) {
    if (text.empty()) return;
    result.detail += (result.detail.empty() ? "" : "; ") + text;
}

}  // namespace

ShrinkSight Regulator::sight() const {
    const TimePoint now = ports_.clock.now();
    ShrinkSight seen;
    seen.heap = heap_.facts();
    seen.target = running_->order.target;
    seen.cap = held_.cap;
    seen.footprint = heap_.resident();
    seen.footprint_is_fresh = heap_.looks().is_fresh(now);
    seen.footprint_is_guess = heap_.looks().is_guess(now);
    seen.balloon = balloon_.size().granted;
    seen.balloon_limit = limit();
    seen.room = room();
    seen.levers = drive_.phase();
    seen.since_levers = now - std::max(running_->started, drive_.ended_at());
    seen.levers_give = heap_.facts().levers_give;
    seen.live = heap_.live();
    seen.cycle_completed = heap_.has_seen_cycle();
    seen.floor = heap_.program_floor();  // a try must not be ended by what the one before it found
    seen.slight = running_->slight;
    seen.same_try = running_->same_try;
    seen.may_inflate = guard_.may_inflate(now);
    if (!rules_.can_hold_chunks) seen.no_chunks = rules_.can_hold_chunks.error().message;
    if (drive_.ended_because() && heap_.facts().kind == CollectionKind::stop_the_world)
        seen.no_chunks = drive_.ended_because();
    seen.hurt = running_->is_hurt(guard_.releases());
    seen.elapsed = now - running_->started;
    seen.deadline = running_->order.deadline;
    return seen;
}

Duration Regulator::step_operation() {
    const ShrinkStep step = next_step(sight());
    switch (step.action) {
        case ShrinkAction::pull_levers:
            pull_levers();
            return Duration::zero();
        case ShrinkAction::look:
            if (!look()) finish(EndReason::not_reclaimable, "the heap's pages cannot be counted");
            return Duration::zero();
        case ShrinkAction::inflate:
            inflate_slice(step.inflate, kSlice);
            return Duration::zero();
        case ShrinkAction::end:
            finish(step.reason, step.detail);
            return Duration::zero();
        case ShrinkAction::wait:
            break;
    }
    return kWait;
}

void Regulator::add_reasons(OperationResult& result, Bytes native) const {
    const bool is_short = !result.shortfall.is_zero();
    if (is_short && !drive_.trouble().empty())
        add_detail(result, "the collector's settings could not be changed: " + drive_.trouble());
    if (result.detail.empty() && is_short && heap_.facts().old)
        result.detail = ChunkPace::why_no_more(heap_.facts(), balloon_.size().granted);
    if (is_short && heap_.facts().kind != CollectionKind::stop_the_world && !heap_.has_seen_cycle())
        add_detail(result, drive_.ended_because() ? drive_.ended_because() : rules_.would_help);
    if (!levers().left_alone().empty()) add_detail(result, "set by the operator and left alone: " + levers().left_alone());
    if (native >= kWorthSaying) add_detail(result, format_bytes(native) + " of native memory went besides");
}

void Regulator::remember_floor(const Operation& ended, const OperationResult& result) {
    const HeapFacts& heap = heap_.facts();
    const EndSight seen{heap.kind, drive_.phase(), drive_.is_exhausted(), heap.region, guard_.releases()};
    if (!ended.has_found_floor(result, seen)) return;
    const TimePoint now = ports_.clock.now();
    // What could not be had because the guard backs off can be had when it no longer does.
    const bool backs_off = !guard_.may_inflate(now);
    tried_floor_.remember(heap_.resident(), heap_.alive(), now, backs_off ? std::optional(guard_.wait(now)) : std::nullopt);
}

void Regulator::finish(EndReason reason, std::string detail) {
    const Operation ended = std::move(*running_);
    running_.reset();
    if (drive_.works()) end_drive();
    if (!heap_.looks().is_measured()) look();  // what is answered is measured
    OperationResult result = ended.answer(reason, std::move(detail), heap_.resident());
    add_reasons(result, ended.native);
    if (result.shortfall.is_zero()) drive_.spacing().set_in_vain(false);
    remember_floor(ended, result);
    if (!result.shortfall.is_zero() && ended.order.on_shortfall == OnShortfall::rollback) {
        result.rest = RestIs::rolled_back;
        held_ = ended.held_before;  // first, so that settings follow it and not the order's
        chunks_.let_go(saturating_sub(balloon_.size().granted, ended.balloon_before));
        follow_balloon(Bytes());
        if (!held_.target) lift();
    } else if (held_.target) {
        held_.target->footprint =
            std::max(held_.target->footprint, heap_.resident());  // nothing more is taken than was answered
        if (size_hold_.holds()) drive_.hold(lever_sight());
    }
    result.elapsed = to_millis(ports_.clock.now() - ended.started);
    book_.add(result);
    listener_.on_result(std::move(result));
}

}  // namespace aerostat::agent
