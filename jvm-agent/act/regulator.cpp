#include "jvm-agent/act/regulator.h"

#include <algorithm>

#include "jvm-agent/decide/sizing.h"

namespace aerostat::agent {
namespace {

/// Of one core, for counting resident pages: a third of what the agent may cost when it holds nothing.
constexpr double kLookShare = 0.0003;
constexpr double kLookShareHolding = 0.01;
/// Each burst of chunks starts a concurrent cycle or two, because they are humongous (G1) or because so much is allocated at
/// once (ZGC, Shenandoah). Those are no distress.
constexpr Duration kInflationEchoes = std::chrono::seconds(2);
constexpr Duration kBetweenRestores = std::chrono::seconds(2);
/// A heap that is held by its size under load is as large as it is to be, but for so much.
constexpr std::uint64_t kOffRegions = 4;
constexpr Duration kBetweenTrims = std::chrono::minutes(1);

}  // namespace

Regulator::Regulator(RegulatorPorts ports, RegulatorRules rules, Listener listener)
    : ports_(std::move(ports)),
      rules_(std::move(rules)),
      listener_(std::move(listener)),
      balloon_(ports_.chunks),
      levers_(ports_.flags, ports_.lever_rule),
      budget_(rules_.cpu_budget),
      full_gc_budget_(rules_.full_gcs),
      charged_cpu_(ports_.own_cpu()) {
    observe();
}

void Regulator::observe() {
    const Bytes used_before = facts_.used;
    facts_ = ports_.heap.observe();
    if (ports_.alarm) facts_.alarm = ports_.alarm();
    pace_.observe(facts_, ports_.clock.now());
    take_census();
    // What falls may be chunks given back: all of it, to be safe, so that the program is never thought to hold too little.
    const bool any = facts_.kind != CollectionKind::stop_the_world;  // only full collections free chunks there
    const Bytes fallen = any ? saturating_sub(used_before, facts_.used) : Bytes();
    vacant_ = collections_since_given() > 0 ? Bytes() : saturating_sub(vacant_, fallen);
    // What was occupied once stays resident until the collector uncommits it: looks are rare, this costs nothing.
    const Bytes peak = saturating_sub(facts_.peak_used, balloon_.size().granted + vacant_);
    const Bytes occupied = std::min(std::max(held_by_program(), peak), facts_.committed);
    if (occupied > footprint_) {
        footprint_ = occupied;
        raised_ = true;
    }
    if (!facts_.collecting) live_.watch(held_by_program(), facts_.region, ports_.clock.now());
    facts_.collecting ? learn_from_cycles() : learn_from_pauses();
}

/// Before anything is concluded from what is used: chunks that the collector has taken are not in it any more.
void Regulator::take_census() {
    const std::uint64_t full_gcs = facts_.full_gcs.value_or(0);
    const bool moved = facts_.cycle_pauses != cycle_pauses_ || full_gcs != full_gcs_;
    if (moved) cycle_seen_at_ = ports_.clock.now();
    if (moved || facts_.collecting.value_or(false)) balloon_.census();
    cycle_pauses_ = facts_.cycle_pauses;
    full_gcs_ = full_gcs;
}

/// Used heap that has pages: neither in the balloon nor given back by it and not yet collected.
Bytes Regulator::held_by_program() const { return saturating_sub(facts_.used, balloon_.size().granted + vacant_); }

/// A chunk that was let go is free after the next young collection of G1, the next full one of Parallel and Serial, or the
/// next whole cycle of the others.
std::uint64_t Regulator::collections_that_free_chunks() const {
    if (facts_.whole_gcs) return *facts_.whole_gcs;
    const bool young = facts_.kind != CollectionKind::stop_the_world;
    return (young ? facts_.young_gcs : 0) + facts_.full_gcs.value_or(0);
}

std::uint64_t Regulator::collections_since_given() const {
    const std::uint64_t now = collections_that_free_chunks();
    return now - std::min(now, vacant_until_);
}

/// The heap is seen at the end of each pause, and only then is what is occupied not mostly garbage.
void Regulator::learn_from_pauses() {
    if (facts_.pauses == pauses_) {
        if (pauses_ == 0) application_ = held_by_program();
        return;
    }
    pauses_ = facts_.pauses;
    // Only a full collection frees the chunks of an old generation that were let go: they are no growth of the program.
    const Bytes let_go = facts_.old ? vacant_ : Bytes();
    const Bytes left = saturating_sub(facts_.used_after_gc, balloon_.size().granted + let_go);
    // What a remark or a cleanup leaves holds the young generation, too: it is a bound, and only young and full collections
    // move anything out of there.
    const bool collected = facts_.young_gcs != learned_young_gcs_ || facts_.full_gcs.value_or(0) != learned_full_gcs_;
    learned_young_gcs_ = facts_.young_gcs;
    learned_full_gcs_ = facts_.full_gcs.value_or(0);
    application_ = collected ? left : std::min(application_, left);
    live_.observe(facts_, application_, ports_.clock.now());
    distrust_look();
}

/// Concurrent cycles give back at no one moment: what counts is the least occupied since the last one.
void Regulator::learn_from_cycles() {
    const TimePoint now = ports_.clock.now();
    occupancy_.observe({facts_.young_gcs, *facts_.collecting, held_by_program(), now, facts_.cycle_began});
    application_ = occupancy_.after_last();
    facts_.used_after_gc = application_ + balloon_.size().granted;
    live_.observe(facts_, occupancy_.alive(), now);
    if (facts_.pauses == pauses_) return;
    pauses_ = facts_.pauses;
    distrust_look();
}

/// A collection may have uncommitted memory. Where none does that, what is guessed from the last look stays true.
void Regulator::distrust_look() {
    fresh_ = false;
    if (facts_.levers_give) guess_ = false;
}

bool Regulator::look() {
    const TimePoint began = ports_.clock.now();
    const auto seen = ports_.heap.measure_footprint();
    const TimePoint ended = ports_.clock.now();
    looks_.looked(ended, ended - began);
    if (!seen) return false;
    footprint_ = seen->rss;
    raised_ = false;
    looked_at_ = ended;
    looked_ = fresh_ = guess_ = true;
    reached_.observe(footprint_, live_.assumed(ports_.clock.now()));
    return true;
}

void Regulator::look_if_due() {
    const bool holding = target_.has_value() || balloon_.count() > 0;
    if (!running_ && looks_.due(ports_.clock.now(), holding ? kLookShareHolding : kLookShare)) look();
}

HeapFootprint Regulator::footprint() const {
    const Bytes occupied = held_by_program();
    if (!looked_) return {facts_.committed};
    return {std::min(std::max(footprint_, occupied), facts_.committed)};
}

bool Regulator::causes_collections() const {
    return levers_.drives_cycles() || (inflated_at_ && ports_.clock.now() - *inflated_at_ < kInflationEchoes);
}

/// While a concurrent cycle runs the program needs room to go on.
Bytes Regulator::needed() const {
    const Bytes meanwhile = facts_.cycle_began ? occupancy_.allocated_in(facts_.cycle_length) : Bytes();
    return std::min(facts_.max, floor_for(facts_, live_.assumed(ports_.clock.now())) + round_up(meanwhile, facts_.region));
}

/// What could not be had lately cannot be had now, nor what neither chunks nor cycles can take.
Bytes Regulator::floor() const {
    const Bytes reached = reached_.value(ports_.clock.now()).value_or(Bytes());
    return std::min(facts_.max, std::max({needed(), reached, reachable()}));
}

Bytes Regulator::releasable() const {
    const Bytes occupied = held_by_program();
    const Bytes room = facts_.old ? old_generation_room(facts_, balloon_.size().granted) : room_for_chunks(chunks_within());
    return std::min(saturating_sub(footprint().resident, std::max(occupied, floor())), room);
}

Bytes Regulator::limit() const {
    if (!target_ || broken_ || !rules_.can_hold_chunks) return Bytes();
    const Bytes held = balloon_.size().granted;
    const Bytes most = facts_.old ? held + old_generation_room(facts_, held) : facts_.max;
    return std::min(balloon_within(chunks_within()), most);
}

/// What the program and the collector can spare of such a heap.
Bytes Regulator::balloon_within(const HeapFacts& heap) const {
    return std::min(balloon_limit(heap, *target_, application_, live_.value(ports_.clock.now())),
                    guard_.bearable(heap, application_));
}

std::optional<Millis> Regulator::target_left() const {
    if (!hold_until_) return std::nullopt;
    return std::max(Millis(0), to_millis(*hold_until_ - ports_.clock.now()));
}

void Regulator::accept(const SetHeapTarget& order) {
    if (const auto done = book_.find(order.op)) return listener_.on_result(*done);
    if (running_ && running_->order.op == order.op) return;
    observe();  // what ends here is answered with what is true now
    if (running_) finish(EndReason::superseded, "a newer order came: " + order.op);
    const bool grows = order.target.footprint >= footprint().resident;  // what is held can always be given back
    if (!rules_.can_balloon || !switched_off_.empty() || (broken_ && !grows)) return answer_unsupported(order);
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
    result.detail = broken ? broken_->message : rules_.can_balloon ? switched_off_ : rules_.can_balloon.error().message;
    book_.add(result);
    listener_.on_result(std::move(result));
}

void Regulator::start(const SetHeapTarget& order) {
    Running running;
    running.order = order;
    running.started = ports_.clock.now();
    running.target_before = target_;
    running.hold_before = hold_until_;
    running.cap_before = cap_;
    running.balloon_before = balloon_.size().granted;
    running.releases_before = guard_.releases();
    look();
    running.before = footprint_;
    target_ = order.target;
    cap_ = std::min(order.cap, rules_.firmest);
    if (cap_ == Cap::hard) leisure_.forget();  // chunks hold it, and at once
    held_least_ = Bytes(Bytes::kLimit);
    hold_until_.reset();
    if (order.hold) hold_until_ = running.started + *order.hold;
    if (order.target.footprint >= running.before) return grow(order, running);
    running.same_try =
        cap_ != Cap::hard && reached_.is_reached(footprint_, order.target.footprint, facts_.region, running.started);
    running.slight = running.target_before && cap_ != Cap::hard && !is_worth_cycles(order.target);
    if (!running.slight) live_.forget_cycles();
    if (drive_.phase == LeverPhase::working) end_drive(LeverPhase::spent);  // one that only held the target before
    const TimePoint driven_at = drive_.began;
    drive_ = Drive{};
    drive_.began = driven_at;  // an answer without a try is no drive: the next one keeps its distance to the last
    yielded_ = false;
    running_ = std::move(running);
    if (running_->same_try || running_->slight) return hold_by_levers();
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
void Regulator::grow(const SetHeapTarget& order, const Running& running) {
    if (order.target.footprint >= facts_.max) {
        lift();
    } else {
        give_back_beyond(order.target);
        raise_levers(running.target_before);  // they were set for the smaller target; the balloon holds this one
    }
    OperationResult result;
    result.op = order.op;
    result.asked = result.obtained = saturating_sub(order.target.footprint, running.before);
    result.detail = "room is given; the program has not filled it yet";
    book_.add(result);
    listener_.on_result(std::move(result));
}

void Regulator::give_back_beyond(HeapTarget target) {
    const Bytes allowed = saturating_sub(facts_.max, target.footprint);
    let_go(saturating_sub(balloon_.size().granted, allowed));
}

/// Where nobody needs it at this moment: what a full collection has brought back goes by itself, all of it, its pages first.
void Regulator::let_go(Bytes amount) {
    if (returned_ == 0) deflate(amount);
}

void Regulator::deflate(Bytes amount) {
    const Bytes given = balloon_.deflate(amount);
    if (given.is_zero()) return;
    const std::uint64_t running = facts_.collecting.value_or(false) ? 1 : 0;  // a cycle that runs has them marked already
    vacant_until_ = collections_that_free_chunks() + running;
    vacant_ += given;
    follow_balloon(Bytes());
}

/// `more`: what is about to be inflated. Settings rise before it and fall after it, else the collector would find its limit
/// passed by us and work for nothing.
void Regulator::follow_balloon(Bytes more) {
    if (!target_) return;
    LeverSight seen = lever_sight();
    seen.balloon += more;
    if (auto followed = levers_.follow_balloon(seen); !followed) last_trouble_ = followed.error().message;
}

LeverSight Regulator::lever_sight() const {
    LeverSight seen{facts_, target_.value_or(HeapTarget{facts_.max}), live_.value(ports_.clock.now()), application_,
                    balloon_.size().granted + vacant_};
    const bool under_load = is_held_under_load();
    if (!leisure_.holds_by_size() || (running_ && !under_load)) return seen;
    seen.balloon = balloon_.size().granted;  // what was let go is free at the collection that begins the cycle
    seen.holds_busy = is_held_down();
    if (under_load && !step_to_ && !drive_.goal) {
        seen.size = goal_under_load();
        seen.exact = facts_.committed > *seen.size + facts_.region * kOffRegions ||
                     facts_.committed + facts_.region * kOffRegions < *seen.size;
        return seen;
    }
    const Bytes held = std::max(seen.target.footprint + seen.balloon, leisure_.size());
    seen.size = step_to_ ? *step_to_ : drive_.goal.value_or(held);
    seen.exact = under_load;
    return seen;
}

void Regulator::lift(bool at_once) {
    target_.reset();
    hold_until_.reset();
    distress_.clear();
    yielded_ = false;
    leisure_.forget();
    if (at_once) returned_ = 0;
    let_go(balloon_.size().granted);
    restore_levers();
}

void Regulator::switch_off(const std::string& why) {
    if (running_) {
        running_->order.on_shortfall = OnShortfall::rollback;
        observe();
        finish(EndReason::paused, why);
    }
    lift();
    switched_off_ = why;
}

void Regulator::restore_levers() {
    drive_ = Drive{};
    restored_at_ = ports_.clock.now();
    if (auto restored = levers_.restore(); !restored) last_trouble_ = restored.error().message;
}

/// A setting that could not be put back, say because the heap was full just then, must not stay for ever.
void Regulator::retry_restoring() {
    const bool nothing_is_held = !running_ && (!target_ || yielded_);
    if (!nothing_is_held || levers_.in_use().empty() || ports_.clock.now() - restored_at_ < kBetweenRestores) return;
    restore_levers();
}

void Regulator::cancel(const Cancel& order) {
    if (!running_ || running_->order.op != order.op) return;
    running_->order.on_shortfall = order.rest;
    observe();
    finish(EndReason::cancelled, {});
}

Duration Regulator::advance(const GcLoad& gc) {
    const Duration cpu = ports_.own_cpu();
    budget_.spent(cpu - charged_cpu_);  // all the agent does counts, its reports too
    charged_cpu_ = cpu;
    observe();
    retry_restoring();
    protect(gc);
    yield_to_growth();
    expire_hold();
    follow_levers();
    tend_leisure();
    const Duration moved = std::min(follow_own_cycles(), tend_moved_chunks());
    if (running_ && broken_) finish(EndReason::not_reclaimable, broken_->message);
    if (running_)
        return std::min(moved, rules_.stress_passes ? std::min(step_operation(), pass_over_chunks()) : step_operation());
    return std::min({moved, hold_target(), squeeze_again(), pass_over_chunks()});
}

void Regulator::expire_hold() {
    if (!hold_until_ || ports_.clock.now() < *hold_until_) return;
    if (running_) finish(EndReason::deadline, "the target's hold ended before the operation");
    lift();
}

}  // namespace aerostat::agent
