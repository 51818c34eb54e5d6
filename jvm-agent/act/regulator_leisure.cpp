#include <algorithm>
#include <utility>

#include "jvm-agent/act/regulator.h"

// A calm heap that sizes itself (G1) is made as small as its target, step by step, so that it needs no chunks to be held.
namespace aerostat::agent {
namespace {

/// After an order to grow the collector's own settings are in force for so long.
constexpr Duration kWideOpen = std::chrono::seconds(10);
constexpr Duration kLongestStep = std::chrono::seconds(10);
constexpr std::uint64_t kWorthwhileRegions = 4;
/// Of what a heap holds the program may occupy so much after a collection.
constexpr double kComfortable = 0.70;
/// Of its target: a smaller heap may grow as the collector likes.
constexpr double kAsLarge = 0.88;
constexpr Duration kWhileMarking = std::chrono::milliseconds(40);
constexpr Duration kBeforeMarking = std::chrono::milliseconds(250);
constexpr Duration kSeldom = std::chrono::seconds(1);
/// Of a target.
constexpr double kSlightRaise = 0.5;
/// Of what is free beside the balloon a step takes one part; the program works with the rest until chunks are let go for it.
constexpr std::uint64_t kPartsOfRoom = 2;

}  // namespace

LeisureSight Regulator::leisure_sight() const {
    LeisureSight seen;
    seen.heap = facts_;
    seen.also_busy = rules_.g1_hold == G1Hold::size;
    if (seen.also_busy) seen.heap.grows_at_pauses = kHoldingGrowsAt;
    seen.target = target_ ? target_->footprint : facts_.max;
    const Bytes occupied = std::max(application_, live_.value(ports_.clock.now()).value_or(Bytes()));
    seen.least = std::max({seen.target, facts_.minimum, share_of(occupied, 1 / kComfortable) + facts_.region * 4});
    seen.most_at_once = saturating_sub(facts_.committed, balloon_.size().granted + application_) / kPartsOfRoom;
    seen.ordered = running_.has_value() || (seen.also_busy && !levers_.is_holding());
    const bool works = drive_.phase == LeverPhase::working;
    const bool filled = missing_balloon() < std::max(facts_.region * kWorthwhileRegions, least_burst());
    seen.disturbed = running_ || works || causes_collections() || !(filled || leisure_.holds_by_size());
    return seen;
}

/// Asked last, as to look the settings up takes the longest. Under load it is held so while an order is carried out, too.
bool Regulator::may_be_sized(const LeisureSight& seen) const {
    const bool in_peace = seen.also_busy || !seen.disturbed;
    const bool held = target_ && in_peace && !yielded_ && !broken_ && cap_ != Cap::hard && facts_.levers_give;
    if (!held || !rules_.can_hold_chunks || !guard_.may_inflate(ports_.clock.now()) || facts_.pauses == 0) return false;
    LeverSight levers = lever_sight();
    levers.size = seen.target;
    return levers_.can_size(levers);
}

/// The heap in which chunks are made: held by its size, they never make it larger.
HeapFacts Regulator::chunks_within() const {
    HeapFacts within = facts_;
    if (leisure_.holds_by_size()) within.max = facts_.committed;
    return within;
}

void Regulator::tend_leisure() {
    if (facts_.grows_at_pauses <= 0 || rules_.g1_hold == G1Hold::chunks) return;
    const TimePoint now = ports_.clock.now();
    const bool held = leisure_.holds_by_size();
    LeisureSight seen = leisure_sight();
    seen.able = may_be_sized(seen);
    seen.ready = seen.able && !seen.disturbed;
    leisure_.observe(seen, now);
    if (auto followed = levers_.follow_hold(lever_sight()); !followed) last_trouble_ = followed.error().message;
    if (!leisure_.holds_by_size() || !seen.ready) return;
    const bool wide_open = levers_.in_use().empty() && now - restored_at_ >= kWideOpen;
    if (!held || wide_open) {
        restored_at_ = now;  // if they are refused, not again at once
        hold_by_levers();
    }
    // The collector has made it smaller itself.
    let_go_down_to(saturating_sub(facts_.committed, target_->footprint));
    // A balloon for the whole maximum may leave less than that of what is committed.
    if (leisure_.lacks_room(leisure_sight(), now)) let_go_down_to(limit());
    const Bytes step = leisure_.step(seen, now);
    if (!step.is_zero() && !ports_.marking() && budget_.may_work(now)) make_smaller(seen, step);
}

/// While much of it is held by chunks still: by its own settings the collector would count them as the program's, and
/// make the heap larger by as much again as there are.
bool Regulator::is_raised_slightly(HeapTarget before) const {
    const bool by_chunks = balloon_.size().granted > share_of(target_->footprint, kSlightRaise);
    return by_chunks && target_->footprint <= share_of(before.footprint, 1 + kSlightRaise);
}

/// What the target gives is given by chunks first.
void Regulator::raise_levers(std::optional<HeapTarget> before) {
    if (!leisure_.holds_by_size() || !before) return restore_levers();
    let_go_down_to(saturating_sub(facts_.committed, target_->footprint));
    if (!is_raised_slightly(*before)) return restore_levers();
    drive_.goal.reset();
    if (drive_.phase == LeverPhase::working) end_drive(LeverPhase::spent);
    hold_by_levers();
}

std::string Regulator::held_how() const {
    const bool one_way = facts_.grows_at_pauses <= 0 || !rules_.can_hold_chunks || rules_.g1_hold == G1Hold::chunks;
    if (!target_ || running_ || one_way) return {};
    const TimePoint now = ports_.clock.now();
    if (yielded_) return "no more: the program has outgrown its target";
    if (cap_ == Cap::hard) return "by chunks, as ordered (cap hard)";
    if (!guard_.may_inflate(now)) return "as it is: the guard backs off";
    LeisureSight seen = leisure_sight();
    seen.able = may_be_sized(seen);
    if (!seen.able && !seen.disturbed) return "by chunks: the heap's own settings cannot be used";
    return leisure_.state(seen, now);
}

void Regulator::let_go_down_to(Bytes most) {
    const Bytes excess = saturating_sub(balloon_.size().granted, most);
    if (excess >= facts_.region * kWorthwhileRegions) let_go(excess);
}

/// First the heap becomes smaller, by a part of what is free in it, then so many chunks are let go. So at no time can more
/// become resident than the target leaves; if the program needs the room meanwhile, the collector commits more.
void Regulator::make_smaller(const LeisureSight& seen, Bytes step) {
    charge_cycle_of_last_burst();
    burst_marking_cpu_ = ports_.marking_cpu();
    leisure_.step_began(seen, ports_.clock.now());
    step_to_ = saturating_sub(facts_.committed, step);
    pull_levers();
    const auto goal = std::exchange(step_to_, std::nullopt);
    if (drive_.phase != LeverPhase::working) return leisure_.step_ended(seen, ports_.clock.now());
    drive_.goal = goal;
}

void Regulator::follow_step() {
    const bool waits = facts_.cycle_pauses < drive_.cycle_pauses + 2;
    const bool in_time = ports_.clock.now() - drive_.began < kLongestStep;
    if (waits && in_time && leisure_.holds_by_size()) {
        follow_balloon(Bytes());  // what the collection that began the cycle has left occupied decides
        return pace_drive();
    }
    drive_.goal.reset();
    end_drive(LeverPhase::spent);
    let_go_down_to(balloon_within(chunks_within()));
    charge_cycle_of_last_burst();
    leisure_.step_ended(leisure_sight(), ports_.clock.now());
    fresh_ = guess_ = false;
    if (leisure_.take_converted()) reached_.forget();  // what the collector keeps has become less
}

/// Resident beyond the target because there was no balloon: that is taken without regard to the budget. Not from a program
/// that is about to outgrow its target.
Bytes Regulator::owed() const {
    const bool by_size = leisure_.holds_by_size() || leisure_.has_let_go(ports_.clock.now());
    if (!target_ || facts_.grows_at_pauses <= 0 || !by_size || program_has_grown()) return {};
    const Bytes beyond = saturating_sub(footprint_, target_->footprint);
    return beyond < facts_.region * kWorthwhileRegions ? Bytes() : round_up(beyond, facts_.region);
}

bool Regulator::is_held_under_load() const { return rules_.g1_hold == G1Hold::size && leisure_.holds_by_size() && target_; }

/// The collector is kept from making it larger for its pauses: up to its target it may.
bool Regulator::is_held_down() const {
    return is_held_under_load() && facts_.committed >= share_of(target_->footprint, kAsLarge);
}

/// What it grows by between two remarks it is made smaller by beforehand, so that it is as large as its target at most.
Bytes Regulator::goal_under_load() const {
    return saturating_sub(target_->footprint + balloon_.size().granted, overshoot_.expected(target_->footprint));
}

/// A busy program marks by itself: each of its remarks makes the heap as large as it is to be, at no cost. Where eden
/// counts the settings follow what fills it.
Duration Regulator::follow_own_cycles() {
    const bool held = is_held_under_load();
    if (held) overshoot_.observe(facts_.committed);
    if (!held || drive_.phase == LeverPhase::working) return kSeldom;
    follow_balloon(Bytes());
    if (!facts_.counts_eden || !lever_sight().exact) return kSeldom;
    return ports_.marking() ? kWhileMarking : kBeforeMarking;
}

}  // namespace aerostat::agent
