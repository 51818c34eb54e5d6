#include "host-controller/act/balloon_mover.h"

#include <algorithm>

namespace aerostat::host::act {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(50);
constexpr std::size_t kActualsKept = 256;
constexpr const char* kAnother = "another move of this guest's balloon began";

EndReason reason_for(const Error& error) {
    switch (error.code) {
        case ErrorCode::unsupported:
            return EndReason::unsupported;
        case ErrorCode::not_found:
            return EndReason::disconnected;
        case ErrorCode::refused:
            return EndReason::guest_pressure;
        case ErrorCode::busy:
            return EndReason::not_reclaimable;
        default:
            return EndReason::stuck;
    }
}

}  // namespace

void BalloonMover::take(const GuestId& guest, Bytes amount, Bytes never_below, TimePoint deadline, Done done) {
    Move move;
    move.taking = true;
    move.amount = amount;
    move.never_below = never_below;
    move.deadline = deadline;
    move.done = std::move(done);
    start(guest, std::move(move), kAnother);
}

void BalloonMover::give(const GuestId& guest, Bytes amount, TimePoint deadline, Done done) {
    start(guest, giving(amount, deadline, std::move(done)), kAnother);
}

void BalloonMover::help(const GuestId& guest, Bytes amount, TimePoint deadline, Done done) {
    start(guest, giving(amount, deadline, std::move(done)), "the guest asked for memory at once");
}

BalloonMover::Move BalloonMover::giving(Bytes amount, TimePoint deadline, Done done) {
    Move move;
    move.amount = amount;
    move.deadline = deadline;
    move.done = std::move(done);
    return move;
}

void BalloonMover::start(const GuestId& guest, Move move, const char* why) {
    if (moves_.contains(guest)) end(guest, EndReason::superseded, why);
    move.number = next_number_++;
    move.progress_at = ports_.clock.now();
    const std::uint64_t number = move.number;
    moves_[guest] = std::move(move);
    look(guest, number);
}

void BalloonMover::cancel(const GuestId& guest) {
    if (const auto found = moves_.find(guest); found != moves_.end()) found->second.cancelled = true;
}

void BalloonMover::settle(const GuestId& guest) {
    ports_.balloons.look(guest, [this, alive = alive_, guest](const Result<OsBalloon>& seen) {
        if (!*alive || !seen || moves_.contains(guest) || seen->actual >= seen->maximum) return;
        keep_what_it_has(guest, seen->actual);
    });
}

void BalloonMover::keep_what_it_has(const GuestId& guest, Bytes actual) {
    if (ports_.obeys_another && ports_.obeys_another(guest)) return;
    ports_.balloons.set_target(guest, actual, [](const Status&) {});
}

BalloonMover::Move* BalloonMover::find(const GuestId& guest, std::uint64_t number) {
    const auto found = moves_.find(guest);
    return found == moves_.end() || found->second.number != number ? nullptr : &found->second;
}

void BalloonMover::look(const GuestId& guest, std::uint64_t number) {
    ports_.balloons.look(guest, [this, alive = alive_, guest, number](const Result<OsBalloon>& seen) {
        Move* move = *alive ? find(guest, number) : nullptr;
        if (!move) return;
        if (!seen) return end(guest, reason_for(seen.error()), seen.error().message);
        looked(guest, *move, *seen);
    });
}

void BalloonMover::looked(const GuestId& guest, Move& move, const OsBalloon& seen) {
    const TimePoint now = ports_.clock.now();
    move.seen = seen;
    move.actuals.emplace_back(now, seen.actual);
    // The first stays: against figures from before the move, all that was taken since counts.
    if (move.actuals.size() > kActualsKept) move.actuals.erase(std::next(move.actuals.begin()));
    if (!move.goal) {
        move.before = move.nearest = seen.actual;
        move.goal = move.taking ? std::min(seen.actual, std::max(saturating_sub(seen.actual, move.amount), move.never_below))
                                : std::min(seen.maximum, seen.actual + std::min(move.amount, seen.maximum));
    }
    const bool nearer = move.taking ? seen.actual < move.nearest : seen.actual > move.nearest;
    if (nearer) move.nearest = seen.actual;
    if (nearer || seen.is_working) move.progress_at = now;
    if (move.cancelled) return end(guest, EndReason::cancelled, {});
    const BalloonStep step = next_balloon_step({seen.maximum, seen.actual, move.ordered, *move.goal, available(guest, move),
                                                seen.grain, now - move.progress_at, move.deadline - now});
    const bool goes_on = step.action != BalloonAction::end && move.ordered && seen.stopped;
    if (goes_on) return end(guest, reason_for(*seen.stopped), seen.stopped->message);
    if (step.action == BalloonAction::end) return end(guest, step.reason, step.detail);
    if (step.action == BalloonAction::order) return order(guest, move, step.target);
    ports_.later(kLookAgain, [this, alive = alive_, guest, number = move.number] {
        if (*alive && find(guest, number)) look(guest, number);
    });
}

void BalloonMover::order(const GuestId& guest, Move& move, Bytes target) {
    move.ordered = target;
    move.progress_at = ports_.clock.now();
    ports_.balloons.set_target(guest, target, [this, alive = alive_, guest, number = move.number](const Status& done) {
        Move* mine = *alive ? find(guest, number) : nullptr;
        if (!mine) return;
        if (!done) return end(guest, reason_for(done.error()), done.error().message);
        look(guest, number);
    });
}

// What is said is as old as it is; pages that went into the balloon since are no longer available.
Bytes BalloonMover::available(const GuestId& guest, const Move& move) const {
    const TimePoint now = ports_.clock.now();
    const auto said = ports_.available(guest);
    const TimePoint heard_at = now - move.seen.usable_age;
    if (said && (!move.seen.usable || said->at >= heard_at)) return saturating_sub(said->bytes, taken_since(move, said->at));
    return move.seen.usable ? saturating_sub(*move.seen.usable, taken_since(move, heard_at)) : Bytes();
}

Bytes BalloonMover::taken_since(const Move& move, TimePoint when) const {
    Bytes then = move.actuals.front().second;
    for (const auto& [at, actual] : move.actuals) {
        if (at <= when) then = actual;
    }
    return saturating_sub(then, move.seen.actual);
}

void BalloonMover::end(const GuestId& guest, EndReason reason, std::string detail) {
    const auto node = moves_.extract(guest);
    Move& move = node.mapped();
    // What was promised may still be given; what was not taken by now stays the guest's.
    if (move.taking && move.ordered && reason != EndReason::met && *move.ordered != move.seen.actual)
        keep_what_it_has(guest, move.seen.actual);
    const BalloonOutcome outcome{move.before, move.seen.actual, move.seen.maximum, reason, std::move(detail)};
    if (move.done) move.done(outcome);
}

}  // namespace aerostat::host::act
