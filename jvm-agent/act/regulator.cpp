#include "jvm-agent/act/regulator.h"

#include <algorithm>
#include <utility>

namespace aerostat::agent {
namespace {

/// Of one core, for counting resident pages: a third of what the agent may cost when it holds nothing.
constexpr double kLookShare = 0.0003;
constexpr double kLookShareHolding = 0.01;
/// Each burst of chunks starts a concurrent cycle or two, because they are humongous (G1) or because so much is allocated at
/// once (ZGC, Shenandoah). Those are no distress.
constexpr Duration kInflationEchoes = std::chrono::seconds(2);
constexpr Duration kBetweenTrims = std::chrono::minutes(1);

}  // namespace

Regulator::Regulator(RegulatorPorts ports, RegulatorRules rules, Listener listener)
    : ports_(std::move(ports)),
      rules_(std::move(rules)),
      listener_(std::move(listener)),
      balloon_(ports_.chunks),
      heap_(ports_.heap, ports_.alarm, ports_.clock, balloon_),
      chunks_(balloon_, heap_, ports_.clock, {[this](Bytes more) { follow_balloon(more); }, [this] { return room(); }}),
      drive_(ports_.flags, ports_.lever_rule, rules_.full_gcs),
      size_hold_(rules_.g1_hold),
      budget_(rules_.cpu_budget, ports_.own_cpu()) {
    chunks_.observe();
}

bool Regulator::look() {
    if (!heap_.look()) return false;
    tried_floor_.observe(heap_.resident(), heap_.assumed_live(), ports_.clock.now());
    if (held_.target && !running_) soft_overshoot_.observe(heap_.resident(), held_.target->footprint, ports_.clock.now());
    return true;
}

void Regulator::look_if_due() {
    const bool holding = held_.target.has_value() || balloon_.count() > 0;
    if (!running_ && heap_.look_is_due(holding ? kLookShareHolding : kLookShare)) look();
}

bool Regulator::causes_collections() const {
    return levers().drives_cycles() ||
           (chunks_.inflated_at() && ports_.clock.now() - *chunks_.inflated_at() < kInflationEchoes);
}

void Regulator::accept(const SetHeapTarget& order) {
    if (const auto done = book_.find(order.op)) return listener_.on_result(*done);
    if (running_ && running_->order.op == order.op) return;
    chunks_.observe();  // what ends here is answered with what is true now
    if (running_) finish(EndReason::superseded, "a newer order came: " + order.op);
    const bool grows = order.target.footprint >= footprint().resident;  // what is held can always be given back
    if (!rules_.can_balloon || !switched_off_.empty() || (chunks_.broken() && !grows)) return answer_unsupported(order);
    start(order);
}

void Regulator::answer_unsupported(const SetHeapTarget& order) {
    OperationResult result;
    result.op = order.op;
    result.asked = saturating_sub(footprint().resident, order.target.footprint);
    result.shortfall = result.asked;
    // What the kernel will not let go of, for whomever: no other order would fare better.
    const bool pinned = !rules_.can_balloon && rules_.can_balloon.error().code == ErrorCode::denied;
    const bool broken = rules_.can_balloon && switched_off_.empty();
    result.reason = pinned || broken ? EndReason::not_reclaimable : EndReason::unsupported;
    const std::string& left_alone = rules_.can_balloon ? switched_off_ : rules_.can_balloon.error().message;
    result.detail = broken ? chunks_.broken()->message : left_alone;
    book_.add(result);
    listener_.on_result(std::move(result));
}

void Regulator::start(const SetHeapTarget& order) {
    Operation running;
    running.order = order;
    running.started = ports_.clock.now();
    running.held_before = held_;
    running.balloon_before = balloon_.size().granted;
    running.releases_before = guard_.releases();
    look();
    running.resident_before = heap_.resident();
    held_ = {order.target, std::min(order.cap, rules_.firmest)};
    if (order.hold) held_.until = running.started + *order.hold;
    if (held_.cap == Cap::hard) size_hold_.plan().forget();  // chunks hold it, and at once
    growth_.begin();
    if (order.target.footprint >= running.resident_before) return grow(order, running);
    running.same_try = held_.cap != Cap::hard && tried_floor_.is_reached(heap_.resident(), order.target.footprint,
                                                                         heap_.facts().region, running.started);
    running.slight = running.held_before.target && held_.cap != Cap::hard && !prospects().is_worth_cycles(order.target);
    if (!running.slight) heap_.forget_cycles();
    if (drive_.works()) end_drive();  // one that only held the target before
    drive_.forget();
    growth_.settle();
    running_ = std::move(running);
    if (running_->same_try || running_->slight) return drive_.hold(lever_sight());
    trim_native_memory();
}

/// Cheap where there is little to give, and not worth asking again soon.
void Regulator::trim_native_memory() {
    const TimePoint now = ports_.clock.now();
    if (trimmed_at_ && now - *trimmed_at_ < kBetweenTrims) return;
    trimmed_at_ = now;
    running_->native = ports_.trim_native();
}

/// Growing is a permission: the room is there at once, the program fills it when it likes.
void Regulator::grow(const SetHeapTarget& order, const Operation& running) {
    if (order.target.footprint >= heap_.facts().max) {
        lift();
    } else {
        give_back_beyond(order.target);
        raise_levers();  // they were set for the smaller target
    }
    OperationResult result;
    result.op = order.op;
    result.asked = result.obtained = saturating_sub(order.target.footprint, running.resident_before);
    result.detail = "room is given; the program has not filled it yet";
    book_.add(result);
    listener_.on_result(std::move(result));
}

void Regulator::lift(bool at_once) {
    held_ = {};
    distress_.clear();
    growth_.settle();
    size_hold_.plan().forget();
    if (at_once) chunks_.upkeep().forget_returned();
    chunks_.let_go(balloon_.size().granted);
    drive_.restore(ports_.clock.now());
}

void Regulator::switch_off(const std::string& why) {
    if (running_) {
        running_->order.on_shortfall = OnShortfall::rollback;
        chunks_.observe();
        finish(EndReason::paused, why);
    }
    lift();
    switched_off_ = why;
}

void Regulator::cancel(const Cancel& order) {
    if (!running_ || running_->order.op != order.op) return;
    running_->order.on_shortfall = order.rest;
    chunks_.observe();
    finish(EndReason::cancelled, {});
}

Duration Regulator::advance(const GcLoad& gc) {
    budget_.charge_own(ports_.own_cpu());
    chunks_.observe();
    retry_restoring();
    protect(gc);
    yield_to_growth();
    expire_hold();
    follow_levers();
    tend_leisure();
    const Duration moved = chunks_.tend_moved();
    const Duration soonest = std::min(moved, follow_own_cycles());
    if (running_ && chunks_.broken()) finish(EndReason::not_reclaimable, chunks_.broken()->message);
    if (running_)
        return std::min(soonest, rules_.stress_passes ? std::min(step_operation(), pass_over_chunks()) : step_operation());
    return std::min({soonest, hold_target(), squeeze_again(), pass_over_chunks()});
}

void Regulator::expire_hold() {
    if (!held_.has_expired(ports_.clock.now())) return;
    if (running_) finish(EndReason::deadline, "the target's hold ended before the operation");
    lift();
}

}  // namespace aerostat::agent
