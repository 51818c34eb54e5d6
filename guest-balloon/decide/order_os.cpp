// The order book's dealings with the OS layer's balloon: heaps give before it takes, and grow after it has given.
#include <algorithm>

#include "guest-balloon/decide/order_book.h"

namespace aerostat::guest {

void OrderBook::begin_os(Operation& operation, Effects& effects) {
    const OsTask& task = *operation.order.os;
    OsPart& part = operation.os.emplace();
    part.outcome.before = part.outcome.after = task.before;
    part.outcome.asked = task.asked();
    part.outcome.shortfall = part.outcome.asked;
    part.outcome.detail = task.remark;
    if (task.takes()) return;  // after the heaps
    for (JvmPart& heap : operation.parts) {
        if (heap.stage == Stage::ordered && !heap.task.shrinks) heap.stage = Stage::waiting;
    }
    move_os(operation, operation.accepted_at, effects);
}

// Page cache does not pay for heaps that fell short: what they keep, the container may hold beyond its target.
void OrderBook::leave_what_heaps_kept(Operation& operation) {
    OsTask& task = *operation.order.os;
    Bytes kept;
    for (const JvmPart& heap : operation.parts) {
        if (heap.task.shrinks) kept += saturating_sub(heap.outcome.after, heap.task.target.footprint);
    }
    if (kept.is_zero()) return;
    task.target = std::min(task.target + kept, task.limit);
    const std::string remark = "the heaps kept " + format_bytes(kept) + " more than they should";
    std::string& detail = operation.os->outcome.detail;
    detail += (detail.empty() ? "" : "; ") + remark;
}

// What applications give is free when the kernel is asked; else it would take page cache that is worth more.
void OrderBook::take_os(Operation& operation, TimePoint now, Effects& effects) {
    leave_what_heaps_kept(operation);
    const Duration left = operation.deadline_at() - now;
    if (!operation.order.os->asks || operation.cancelled || left <= Duration::zero())
        return move_os(operation, now, effects);
    const Duration within = std::min(kAskWithin, left / 3);
    operation.os->stage = OsPart::Stage::asking;
    operation.os->due = now + within;
    effects.push_back(AskApplications{operation.order.op, operation.order.os->target, within});
}

void OrderBook::applications_gave(const std::string& op, TimePoint now, Effects& effects) {
    for (Operation& operation : running_) {
        const bool waits = operation.order.op == op && operation.os && operation.os->stage == OsPart::Stage::asking;
        if (waits) move_os(operation, now, effects);
    }
    retire_ended(now, effects);
}

void OrderBook::move_os(Operation& operation, TimePoint now, Effects& effects) {
    const bool takes = operation.order.os->takes();
    if (operation.cancelled) return end_os(operation, EndReason::cancelled, {});
    const Duration left = operation.deadline_at() - now;
    if (left <= Duration::zero()) return end_os(operation, EndReason::deadline, "the heaps used the time up");
    const Duration within = takes || !operation.heaps_run() ? left : left / 2;
    operation.os->stage = OsPart::Stage::moving;
    operation.os->due = now + within + kAnswerGrace;
    effects.push_back(MoveOs{operation.order.op, operation.order.os->target, within, operation.order.on_shortfall});
}

void OrderBook::os_moved(const std::string& op, const OsOutcome& outcome, TimePoint now, Effects& effects) {
    const auto operation =
        std::find_if(running_.begin(), running_.end(), [&](const Operation& o) { return o.order.op == op; });
    if (operation == running_.end() || !operation->os || operation->os->stage != OsPart::Stage::moving) return;
    const OsTask& task = *operation->order.os;
    OsOutcome& mine = operation->os->outcome;
    mine.after = outcome.after;
    mine.obtained = task.takes() ? saturating_sub(task.before, outcome.after) : std::min(mine.asked, outcome.obtained);
    mine.shortfall = saturating_sub(mine.asked, mine.obtained);
    mine.reason = outcome.reason == EndReason::met ? task.reason : outcome.reason;
    if (!outcome.detail.empty()) mine.detail += (mine.detail.empty() ? "" : "; ") + outcome.detail;
    operation->os->stage = OsPart::Stage::done;
    start_waiting(*operation, now, effects);
    retire_ended(now, effects);
}

// A heap that grew without it would grow into memory that its guest does not have.
void OrderBook::start_waiting(Operation& operation, TimePoint now, Effects& effects) {
    const bool may_grow = operation.os->outcome.reason == EndReason::met || operation.os->outcome.shortfall.is_zero();
    for (JvmPart& heap : operation.parts) {
        if (heap.stage != Stage::waiting) continue;
        if (may_grow) {
            send(operation, heap, now, effects);
            continue;
        }
        end_part(heap, operation.os->outcome.reason);
        heap.stage = Stage::done;
        heap.outcome.detail = "not told to grow: the OS layer did not give";
        roll_back(heap);
    }
}

void OrderBook::end_os(Operation& operation, EndReason reason, const std::string& detail) {
    operation.os->stage = OsPart::Stage::done;
    operation.os->outcome.reason = reason;
    if (!detail.empty()) operation.os->outcome.detail = detail;
}

void OrderBook::cancel_os(Operation& operation, Effects& effects) {
    if (operation.os->stage == OsPart::Stage::waiting || operation.os->stage == OsPart::Stage::asking)
        end_os(operation, EndReason::cancelled, {});
    if (operation.os->stage == OsPart::Stage::moving) effects.push_back(CancelOs{operation.order.op, *operation.cancelled});
}

void OrderBook::supersede_os(const Order& by, Effects& effects) {
    for (Operation& operation : running_) {
        if (!operation.os || operation.os->stage == OsPart::Stage::done) continue;
        if (operation.os->stage == OsPart::Stage::moving) effects.push_back(CancelOs{operation.order.op, OnShortfall::keep});
        end_os(operation, EndReason::superseded, "followed by operation " + by.op);
        for (JvmPart& heap : operation.parts) {
            if (heap.stage != Stage::waiting) continue;
            end_part(heap, EndReason::superseded);
            heap.stage = Stage::done;
        }
    }
}

}  // namespace aerostat::guest
