#include "guest-balloon/app/os_mover.h"

#include <algorithm>

#include "guest-balloon/decide/os_sight.h"
#include "procfs/meminfo.h"

namespace aerostat::guest {
namespace {

constexpr std::size_t kMostJobs = 8;
constexpr Bytes kNextToNothing{1ULL << 20U};

EndReason reason_for(const Error& error) {
    return error.code == ErrorCode::busy ? EndReason::not_reclaimable : EndReason::unsupported;
}

std::optional<Duration> stalled_by(const std::string& file) {
    const auto pressure = procfs::read_memory_pressure_file(file);
    return pressure ? pressure->some_total : std::nullopt;
}

}  // namespace

OsMover::OsMover(asio::io_context& loop, const Clock& clock, std::shared_ptr<OsBalloon> balloon, procfs::MemoryCgroup cgroup,
                 OnMoved on_moved)
    : clock_(clock),
      balloon_(std::move(balloon)),
      cgroup_(std::move(cgroup)),
      on_moved_(std::move(on_moved)),
      deadline_timer_(loop),
      pause_timer_(loop),
      pool_(loop, 1, kMostJobs) {}

void OsMover::move(const MoveOs& order, Bytes reserve, bool has_swap, Bytes unheld) {
    if (move_) answer(*std::exchange(move_, nullptr), EndReason::superseded, {});
    move_ = std::make_shared<Move>();
    move_->order = order;
    move_->reserve = reserve;
    move_->has_swap = has_swap;
    move_->unheld = unheld;
    move_->deadline = clock_.now() + order.within;
    move_->held_before = balloon_->held();
    held_stalls_.clear();
    deadline_timer_.expires_after(std::max(order.within, Duration{}));
    deadline_timer_.async_wait([this, alive = alive_, move = move_](asio::error_code error) {
        if (!error && *alive) answer(*move, EndReason::deadline, "the kernel is still at work");
    });
    look(move_, [](OsBalloon&, std::uint64_t) { return Status(); });
}

void OsMover::cancel(const CancelOs& order) {
    if (move_ && move_->order.op == order.op) move_->cancelled = order.rest;
}

void OsMover::pressure() noexcept {
    if (move_) move_->pressure = true;
    balloon_->release_now();
}

void OsMover::probe(Bytes bytes) {
    if (move_ || bytes.is_zero() || !balloon_->reclaims_without_limit()) return;
    static_cast<void>(pool_.run([balloon = balloon_, bytes, decided_at = balloon_->releases()]() -> std::function<void()> {
        static_cast<void>(balloon->reclaim(bytes, Bytes(), decided_at));
        return [] {};
    }));
}

// Does something to the container on the worker, and looks what came of it.
bool OsMover::act(const std::shared_ptr<Move>& move, Action action, Then then) {
    return pool_.run([this, alive = alive_, move, action = std::move(action), then = std::move(then), balloon = balloon_,
                      cgroup = cgroup_, file = pressure_file_, decided_at = balloon_->releases()] {
        const Status done = action(*balloon, decided_at);
        const auto seen = procfs::read_memory_cgroup(cgroup);
        const auto stalls = file.empty() ? std::nullopt : stalled_by(file);
        return std::function<void()>([this, alive, move, then, done, seen, stalls] {
            if (!*alive) return;
            if (seen) {
                move->last = *seen;
                move->stalls.note({seen->current, stalls, seen->refaults_file}, price_, clock_.now());
            }
            then(seen, done);
        });
    });
}

void OsMover::look(const std::shared_ptr<Move>& move, Action action) {
    const bool queued =
        act(move, std::move(action),
            [this, move](const Result<procfs::CgroupMemory>& seen, const Status& done) { looked(move, seen, done); });
    if (!queued) finish(move, EndReason::stuck, "the kernel is still busy with earlier orders", Hold::stays);
}

void OsMover::looked(const std::shared_ptr<Move>& move, const Result<procfs::CgroupMemory>& seen, const Status& done) {
    if (move->answered) return too_late(move, seen.has_value());
    if (!seen) return finish(move, EndReason::disconnected, seen.error().message, Hold::stays);
    if (!done && done.error().code != ErrorCode::busy)
        return finish(move, reason_for(done.error()), done.error().message, Hold::stays);
    if (!move->first) move->first = *seen;
    step(move);
}

// Nothing more is taken. What becomes of the hold: after a newer move's order that move decides.
void OsMover::too_late(const std::shared_ptr<Move>& move, bool seen) {
    if (move_ != move) return;
    if (move->cancelled && seen) return step(move);
    const bool took = seen && move->held_by_step.has_value();
    const Bytes room = std::max(move->order.target, move->last.current + kLargestOsStep / 2);
    finish(move, EndReason::deadline, {}, took ? Hold::changes : Hold::stays, room);
}

Bytes OsMover::limit_of(const Move& move) const { return move.last.limit.value_or(Bytes(Bytes::kLimit)); }

void OsMover::step(const std::shared_ptr<Move>& move) {
    const Bytes target = move->order.target;
    if (move->cancelled) {
        const bool back = *move->cancelled == OnShortfall::rollback;
        if (!back) return finish(move, EndReason::cancelled, {}, Hold::changes, move->last.current + kLargestOsStep / 2);
        const Hold before = move->held_before ? Hold::changes : Hold::goes;
        return finish(move, EndReason::cancelled, {}, before, move->held_before.value_or(Bytes()));
    }
    if (target >= move->held_before.value_or(limit_of(*move))) {  // giving
        return finish(move, EndReason::met, {}, Hold::changes, target);
    }
    const OsStep next = next_step(*move);
    if (next.action == OsAction::hold) return finish(move, next.reason, next.detail, Hold::changes, next.bytes);
    if (next.action == OsAction::let_go) return finish(move, next.reason, next.detail, Hold::goes);
    if (next.action == OsAction::watch) return after(next.pause, move, [](OsBalloon&, std::uint64_t) { return Status(); });
    move->held_by_step = move->last.current;
    move->took_at = clock_.now() + next.pause;
    after(next.pause, move, [before = move->last.current, bytes = next.bytes](OsBalloon& balloon, std::uint64_t decided_at) {
        return balloon.reclaim(bytes, before, decided_at);
    });
}

void OsMover::after(Duration pause, const std::shared_ptr<Move>& move, Action action) {
    if (pause <= Duration::zero()) return look(move, std::move(action));
    pause_timer_.expires_after(pause);
    pause_timer_.async_wait([this, alive = alive_, move, action = std::move(action)](asio::error_code error) {
        if (error || !*alive || move_ != move) return;
        if (move->answered) return too_late(move, true);
        if (move->pressure || move->cancelled) return step(move);
        look(move, action);
    });
}

void OsMover::keep_within(double stall_budget, std::string pressure_file) {
    stall_budget_ = stall_budget;
    pressure_file_ = std::move(pressure_file);
}

void OsMover::watch(const StallSight& seen, std::optional<double> price, Bytes unheld) {
    constexpr Duration kEvery = std::chrono::seconds(2);
    price_ = price;
    const auto held = balloon_->held();
    if (!stall_budget_ || move_ || !held) return held_stalls_.clear();
    const TimePoint now = clock_.now();
    held_stalls_.note(seen, price, now);
    const Bytes more = relief(*held, seen.held, held_stalls_.stall(), *stall_budget_);
    if (more.is_zero() || now - eased_at_ < kEvery) return;
    eased_at_ = now;
    const Bytes most = *held + more;
    const std::optional<Bytes> at = most >= unheld ? std::nullopt : std::optional(most);
    static_cast<void>(pool_.run([balloon = balloon_, at, decided_at = balloon_->releases()] {
        static_cast<void>(balloon->hold(at, decided_at));
        return std::function<void()>([] {});
    }));
}

OsStep OsMover::next_step(Move& move) const {
    const procfs::CgroupMemory& seen = move.last;
    if (move.held_by_step) {
        const bool little = saturating_sub(*move.held_by_step, seen.current) < (stall_budget_ ? kPage : kNextToNothing);
        move.fruitless = little ? move.fruitless + 1 : 0;
    }
    OsMoveSight sight;
    sight.holding = seen.current;
    sight.target = move.order.target;
    sight.spare = saturating_sub(seen.active_file + seen.inactive_file, move.reserve);
    sight.spares_swap = balloon_->spares_swap() || !move.has_swap;
    sight.swapped = saturating_sub(seen.swap.value_or(Bytes()), move.first->swap.value_or(Bytes()));
    sight.fruitless = move.fruitless;
    sight.pressure = move.pressure;
    sight.left = move.deadline - clock_.now();
    sight.within = move.order.within;
    sight.stall_budget = stall_budget_;
    sight.stall = move.stalls.stall();
    sight.proven = move.stalls.proven();
    sight.judged = clock_.now() - move.took_at >= StallWatch::kShowsAfter;
    return next_os_step(sight);
}

// Answered when the hold stands: a heap that is to grow may do so then.
void OsMover::finish(const std::shared_ptr<Move>& move, EndReason reason, const std::string& detail, Hold hold, Bytes most) {
    if (move_ == move) {
        move_.reset();
        deadline_timer_.cancel();
    }
    if (reason != EndReason::met && reason != EndReason::cancelled && move->order.on_shortfall == OnShortfall::rollback) {
        hold = move->held_before ? Hold::changes : Hold::goes;
        most = move->held_before.value_or(Bytes());
    }
    // A hold is there to take: it never lets the container hold more than it was allowed before us.
    if (hold == Hold::changes && (move->pressure || most >= move->unheld)) hold = Hold::goes;
    if (hold == Hold::stays) return answer(*move, reason, detail);
    const std::optional<Bytes> at = hold == Hold::changes ? std::optional(most) : std::nullopt;
    const bool queued = act(
        move, [at](OsBalloon& balloon, std::uint64_t decided_at) { return balloon.hold(at, decided_at); },
        [this, move, reason, detail, decided_at = balloon_->releases()](const Result<procfs::CgroupMemory>&,
                                                                        const Status& done) {
            if (done) return answer(*move, reason, detail);
            if (balloon_->releases() != decided_at) return answer(*move, EndReason::guest_pressure, done.error().message);
            answer(*move, reason == EndReason::met ? reason_for(done.error()) : reason, done.error().message);
        });
    if (!queued) answer(*move, EndReason::stuck, "the kernel is still busy with earlier orders");
}

void OsMover::answer(Move& move, EndReason reason, const std::string& detail) {
    if (std::exchange(move.answered, true)) return;
    OsOutcome outcome;
    outcome.before = move.first ? move.first->current : Bytes();
    outcome.after = move.last.current;
    outcome.reason = reason;
    outcome.detail = detail;
    const Bytes cap = move.held_before.value_or(limit_of(move));
    outcome.obtained = move.order.target >= cap && reason == EndReason::met ? saturating_sub(move.order.target, cap)
                                                                            : saturating_sub(outcome.before, outcome.after);
    on_moved_(move.order.op, outcome);
}

}  // namespace aerostat::guest
