#include <algorithm>
#include <utility>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/decide/sizing.h"

// How one shrink operation is carried out.
namespace aerostat::agent {
namespace {

constexpr Duration kSlice = std::chrono::milliseconds(10);
constexpr Bytes kWorthSaying = Bytes(1024 * 1024);
constexpr Duration kWait = std::chrono::milliseconds(50);
constexpr Duration kFreshFor = std::chrono::milliseconds(100);
/// Concurrent cycles in a row that gave next to nothing back: the levers are spent.
constexpr int kIdleCycles = 3;
constexpr double kProgress = 0.02;
/// Deliberate full collections leave the program as much time between them as it takes to answer what has waited.
constexpr Duration kBetweenFullGcs = std::chrono::milliseconds(100);
constexpr Duration kLongestDrive = std::chrono::seconds(30);
constexpr Duration kRest = std::chrono::milliseconds(120);
/// Settings that follow the balloon run ahead of it by so many chunks.
constexpr std::uint64_t kChunksAhead = 16;

void add_detail(OperationResult& result, const std::string& text) {
    if (text.empty()) return;
    result.detail += (result.detail.empty() ? "" : "; ") + text;
}

}  // namespace

ShrinkSight Regulator::sight() const {
    const TimePoint now = ports_.clock.now();
    ShrinkSight seen;
    seen.heap = facts_;
    seen.target = running_->order.target;
    seen.cap = cap_;
    seen.footprint = footprint_;
    seen.footprint_is_fresh = fresh_ && now - looked_at_ < kFreshFor;
    seen.footprint_is_guess = guess_ && now - looked_at_ < kFreshFor * 5;
    seen.balloon = balloon_.size().granted;
    seen.balloon_limit = limit();
    seen.room = room();
    seen.levers = drive_.phase;
    seen.levers_give = facts_.levers_give;
    seen.live = live_.value(ports_.clock.now());
    seen.cycle_completed = live_.seen_since_forgotten();
    seen.floor = needed();  // a try must not be ended by what the one before it found
    seen.slight = running_->slight;
    seen.same_try = running_->same_try;
    seen.may_inflate = guard_.may_inflate(now);
    if (!rules_.can_hold_chunks) seen.no_chunks = rules_.can_hold_chunks.error().message;
    if (drive_.ended_because && facts_.kind == CollectionKind::stop_the_world) seen.no_chunks = drive_.ended_because;
    seen.hurt = guard_.releases() > running_->releases_before;
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

void Regulator::pull_levers() {
    const auto pulled = levers_.pull(lever_sight());
    drive_ = Drive{};
    drive_.phase = LeverPhase::unavailable;
    drive_.level_at_cycle = lever_level();
    drive_.cycle_pauses = facts_.cycle_pauses;
    drive_.cpu_at_cycle = ports_.marking_cpu();
    drive_.young_gcs = facts_.young_gcs;
    drive_.began = ports_.clock.now();
    if (!pulled) drive_.trouble = last_trouble_ = pulled.error().message;
    if (!pulled || !*pulled) return;
    drive_.phase = levers_.drives_cycles() ? LeverPhase::working : LeverPhase::spent;
    // A humongous allocation starts a concurrent cycle at once when much is occupied; the interval alone is looked at
    // once a second. Not while the guard backs off: it would take that chunk for a new offence.
    if (facts_.kind == CollectionKind::young_and_marking && running_ && guard_.may_inflate(ports_.clock.now()) &&
        !room_for_chunks(facts_).is_zero() && !limit().is_zero())
        inflate_slice(facts_.region, kSlice);
}

/// The settings that go with the target, without making the collector work.
void Regulator::hold_by_levers() {
    LeverSight seen = lever_sight();
    seen.drive = false;
    if (auto pulled = levers_.pull(seen); !pulled) last_trouble_ = pulled.error().message;
}

void Regulator::follow_levers() {
    if (drive_.phase != LeverPhase::working) return;
    if (drive_.goal) return follow_step();
    if (ports_.clock.now() - drive_.began > kLongestDrive) return end_drive(LeverPhase::spent);
    if (levers_.collects_fully()) return follow_full_collections();
    if (facts_.cycle_pauses < drive_.cycle_pauses + 2) {
        if (is_held_under_load()) follow_balloon(Bytes());  // the remark goes by what is occupied then
        return pace_drive();
    }
    if (auto renewed = levers_.renew(lever_sight()); !renewed) last_trouble_ = renewed.error().message;
    cycle_is_over();
}

/// Whether another is to be driven.
void Regulator::cycle_is_over() {
    const Bytes least = std::max(facts_.region, share_of(drive_.level_at_cycle, kProgress));
    const bool progress = lever_level() + least < drive_.level_at_cycle;
    drive_.idle_cycles = progress ? 0 : drive_.idle_cycles + 1;
    drive_.level_at_cycle = lever_level();
    drive_.cycle_pauses = facts_.cycle_pauses;
    cycle_cpu_ = ports_.marking_cpu() - std::exchange(drive_.cpu_at_cycle, ports_.marking_cpu());
    const bool was_held = target_ && (!running_ || running_->target_before);
    const bool enough = was_held && !is_worth_cycles(*target_);
    drove_in_vain_ = drive_.idle_cycles >= kIdleCycles || (!progress && enough);
    if (drove_in_vain_ || enough || holds_again()) end_drive(LeverPhase::spent);
    if (running_ && enough) running_->slight = true;
}

/// An operation ends with its target. What is driven between operations ends when no more than the target can be resident.
bool Regulator::holds_again() const {
    const Bytes most = saturating_sub(facts_.committed, balloon_.size().granted);
    return !running_ && target_ && facts_.levers_give && most <= target_->footprint;
}

/// One collection at a time: it begins a marking, or is one of the mixed ones after it. The program, and G1's own reckoning
/// of how much of the time it collects, get a rest from each.
void Regulator::pace_drive() {
    if (facts_.kind != CollectionKind::young_and_marking) return;
    const TimePoint now = ports_.clock.now();
    const bool came = facts_.young_gcs != drive_.young_gcs && facts_.was_periodic;
    drive_.young_gcs = facts_.young_gcs;
    const bool busy = came || ports_.marking();
    if (busy) drive_.rested_at = now;
    const bool rests = busy || (drive_.rests && now - drive_.rested_at < kRest);
    if (rests == drive_.rests) return;
    drive_.rests = rests;
    LeverSight seen = lever_sight();
    seen.rest = rests;
    if (auto paced = levers_.pace_cycles(seen); !paced) last_trouble_ = paced.error().message;
}

Bytes Regulator::lever_level() const { return facts_.levers_give ? facts_.committed : application_; }

/// What is free already is taken without a collection: one that is concurrent clears the program's soft references.
bool Regulator::enough_is_free() const {
    const Bytes missing = saturating_sub(footprint_, running_->order.target.footprint);
    const Bytes may_go = saturating_sub(limit(), balloon_.size().granted) + facts_.region;  // both are rounded
    const bool is_free = room() >= missing + facts_.region * kChunksAhead && may_go >= missing;
    return is_free && guard_.may_inflate(ports_.clock.now());
}

/// One at a time, with a pause for the program after each, and only as many as are allowed.
void Regulator::follow_full_collections() {
    const TimePoint now = ports_.clock.now();
    if (drive_.last_collection && now - *drive_.last_collection < kBetweenFullGcs) return;
    const bool progress = lever_level() + facts_.region < drive_.level_at_cycle;
    drive_.idle_cycles = progress ? 0 : drive_.idle_cycles + (drive_.last_collection ? 1 : 0);
    drive_.level_at_cycle = lever_level();
    const bool stops_the_world = facts_.kind == CollectionKind::stop_the_world;
    if (drive_.idle_cycles >= kIdleCycles || !running_ || (!stops_the_world && enough_is_free()))
        return end_drive(LeverPhase::spent);
    if (!full_gc_budget_.may_collect(now)) {
        drive_.ended_because = "no more collections may be asked for within ten minutes (full-gcs)";
        return end_drive(LeverPhase::spent);
    }
    deflate(balloon_.size().granted);  // it would come back, all of it, while the program stands still; or be cleared
    full_gc_budget_.collected(now);
    if (auto collected = ports_.heap.collect_fully(); !collected) last_trouble_ = collected.error().message;
    drive_.last_collection = ports_.clock.now();
    fresh_ = guess_ = false;
    if (stops_the_world) return;
    observe();
    end_drive(LeverPhase::spent);  // one sees all there is
}

void Regulator::end_drive(LeverPhase phase) {
    drive_.phase = phase;
    if (auto stopped = levers_.stop_cycles(lever_sight()); !stopped) last_trouble_ = stopped.error().message;
}

void Regulator::inflate_slice(Bytes wanted, Duration slice) {
    const TimePoint began = ports_.clock.now();
    Bytes done;
    follow_balloon(std::min(wanted, facts_.region * kChunksAhead));
    while (done < wanted && ports_.clock.now() - began < slice) {
        if (const auto inflated = balloon_.inflate_one(); !inflated) {  // there was room, and yet
            stop_ballooning(inflated.error());
            break;
        }
        done += facts_.region;
        pace_.inflated(ports_.clock.now());
        settled_at_gc_ = facts_.young_gcs;
        observe();
        if (room().is_zero()) break;
        if (done.count() % (facts_.region.count() * kChunksAhead) == 0)
            follow_balloon(std::min(saturating_sub(wanted, done), facts_.region * kChunksAhead));
    }
    follow_balloon(Bytes());
    inflated_at_ = ports_.clock.now();
    const bool was_measured = fresh_ || guess_;
    if (running_) footprint_ = saturating_sub(footprint_, done);
    fresh_ = false;
    guess_ = running_ && was_measured;
    if (broken_ && running_) finish(EndReason::not_reclaimable, broken_->message);
}

void Regulator::add_reasons(OperationResult& result, Bytes native) const {
    const bool is_short = !result.shortfall.is_zero();
    if (is_short && !drive_.trouble.empty())
        add_detail(result, "the collector's settings could not be changed: " + drive_.trouble);
    if (result.detail.empty() && is_short && facts_.old)
        result.detail = ChunkPace::why_no_more(facts_, balloon_.size().granted);
    if (is_short && facts_.kind != CollectionKind::stop_the_world && !live_.seen_since_forgotten())
        add_detail(result, drive_.ended_because ? drive_.ended_because : rules_.would_help);
    if (!levers_.left_alone().empty()) add_detail(result, "set by the operator and left alone: " + levers_.left_alone());
    if (native >= kWorthSaying) add_detail(result, format_bytes(native) + " of native memory went besides");
}

Bytes Regulator::alive() const { return live_.assumed(ports_.clock.now()).value_or(application_); }

/// Chunks in an old generation grow with time, and full collections have a budget: there a later try may obtain more.
void Regulator::remember_floor(const Running& ended, const OperationResult& result) {
    const bool tried =
        !ended.same_try && drive_.phase != LeverPhase::unused && facts_.kind != CollectionKind::stop_the_world;
    const bool hurt = guard_.releases() > ended.releases_before;
    if (!tried || hurt || result.shortfall.is_zero()) return;
    const bool in_vain =
        result.reason == EndReason::deadline && drive_.idle_cycles >= kIdleCycles && result.obtained < facts_.region;
    if (result.reason != EndReason::floor && result.reason != EndReason::gc_distress && !in_vain) return;
    const TimePoint now = ports_.clock.now();
    // What could not be had because the guard backs off can be had when it no longer does.
    const bool backs_off = !guard_.may_inflate(now);
    reached_.remember(footprint_, alive(), now, backs_off ? std::optional(guard_.wait(now)) : std::nullopt);
}

void Regulator::finish(EndReason reason, std::string detail) {
    Running ended = std::move(*running_);
    running_.reset();
    if (drive_.phase == LeverPhase::working) end_drive(LeverPhase::spent);
    if (!fresh_ || raised_) look();  // what is answered is measured
    OperationResult result;
    result.op = ended.order.op;
    result.asked = saturating_sub(ended.before, ended.order.target.footprint);
    result.obtained = saturating_sub(ended.before, footprint_);
    result.shortfall = saturating_sub(result.asked, result.obtained);
    result.reason = result.shortfall.is_zero() && reason == EndReason::deadline ? EndReason::met : reason;
    result.detail = std::move(detail);
    add_reasons(result, ended.native);
    if (result.shortfall.is_zero()) drove_in_vain_ = false;
    remember_floor(ended, result);
    if (!result.shortfall.is_zero() && ended.order.on_shortfall == OnShortfall::rollback) {
        result.rest = RestIs::rolled_back;
        target_ = ended.target_before;  // first, so that settings follow it and not the order's
        hold_until_ = ended.hold_before;
        cap_ = ended.cap_before;
        let_go(saturating_sub(balloon_.size().granted, ended.balloon_before));
        follow_balloon(Bytes());
        if (!target_) lift();
    } else if (target_) {
        target_->footprint = std::max(target_->footprint, footprint_);  // nothing more is taken than was answered
        if (leisure_.holds_by_size()) hold_by_levers();
    }
    result.elapsed = to_millis(ports_.clock.now() - ended.started);
    book_.add(result);
    listener_.on_result(std::move(result));
}

}  // namespace aerostat::agent
