#include "guest-balloon/decide/order_book.h"

#include <algorithm>

namespace aerostat::guest {

void OrderBook::begin(Order order, TimePoint now, Effects& effects) {
    for (const JvmTask& task : order.tasks) {
        if (!task.settled) supersede(task.jvm, order, now, effects);
    }
    if (order.os) supersede_os(order, effects);
    Operation& operation = running_.emplace_front();
    operation.order = std::move(order);
    operation.accepted_at = now;
    operation.delivered = operation.order.origin != Origin::host;
    for (const JvmTask& task : operation.order.tasks) operation.parts.push_back(make_part(task, operation, now, effects));
    if (operation.order.os) begin_os(operation, effects);
    for (JvmPart& part : operation.parts) {
        if (part.stage == Stage::ordered) send(operation, part, now, effects);
    }
    retire_ended(now, effects);
}

JvmPart OrderBook::make_part(JvmTask task, const Operation& operation, TimePoint now, Effects& effects) {
    JvmPart part;
    part.task = std::move(task);
    Jvm* jvm = jvms_.find(part.task.jvm);
    if (part.task.settled || !jvm) {
        part.outcome = part.task.settled.value_or(outcome_without_answer(part.task, EndReason::disconnected, std::nullopt));
        return part;
    }
    part.process = jvm->process;
    part.outcome = outcome_without_answer(part.task, EndReason::met, std::nullopt);  // what a view shows while it runs
    part.previous = jvm->restraint;
    jvm->restraint = part.task.afterwards;
    // The hold of a host's order is the agent's business; an operator's also ends the ceiling that binds the host.
    const bool of_operator = operation.order.origin == Origin::operators;
    if (of_operator && operation.order.hold && jvm->restraint.target) jvm->restraint.until = now + *operation.order.hold;
    if (!part.task.shrinks) {
        part.stage = Stage::ordered;
        return part;
    }
    part.stage = Stage::measuring;
    part.due = now + std::min<Duration>(kMeasureBefore, operation.order.deadline / 4);
    effects.push_back(Measure{operation.order.op, part.task.jvm, part.process, Moment::before});
    return part;
}

// The guard does not take an operation's place, it ends it.
EndReason OrderBook::why_superseded(const Order& by) {
    return by.origin == Origin::guard ? EndReason::guest_pressure : EndReason::superseded;
}

void OrderBook::supersede(const std::string& jvm, const Order& by, TimePoint now, Effects& effects) {
    Operation* operation = nullptr;
    JvmPart* part = find_part(jvm, operation);
    if (!part) return;
    // An answer that came before the newer order stands; only its verification is cut short.
    if (part->stage != Stage::verifying) end_part(*part, why_superseded(by));
    part->stage = Stage::done;
    if (part->outcome.detail.empty()) part->outcome.detail = "followed by operation " + by.op;
    retire_ended(now, effects);
}

void OrderBook::send(Operation& operation, JvmPart& part, TimePoint now, Effects& effects) {
    const Jvm* jvm = jvms_.find(part.task.jvm);
    part.due = operation.heaps_deadline_at() + kAnswerGrace;
    part.stage = jvm && jvm->connection ? Stage::ordered : Stage::away;
    if (part.stage == Stage::away) return;
    SetHeapTarget order;
    order.session = jvm->session;
    order.op = operation.order.op;
    order.target = part.task.target;
    order.deadline = std::max(Millis(1), to_millis(operation.heaps_deadline_at() - now));
    order.lease = agent_lease_;
    order.on_shortfall = operation.order.on_shortfall;
    order.cap = operation.order.cap;
    if (operation.order.hold)
        order.hold = std::max(Millis(1), to_millis(operation.accepted_at + *operation.order.hold - now));
    effects.push_back(OrderAgent{*jvm->connection, std::move(order)});
}

void OrderBook::measured(const std::string& op, const std::string& jvm, Moment moment, std::optional<Bytes> pss,
                         TimePoint now, Effects& effects) {
    const auto operation =
        std::find_if(running_.begin(), running_.end(), [&](const Operation& o) { return o.order.op == op; });
    JvmPart* part = operation == running_.end() ? nullptr : operation->part_of(jvm);
    if (!part) return;
    if (moment == Moment::before && part->stage == Stage::measuring) {
        part->pss_before = pss;
        if (pss) rebase_squeeze(*part, *pss);
        send(*operation, *part, now, effects);
    } else if (moment == Moment::after && part->stage == Stage::verifying) {
        add_verified(*part, pss);
        part->stage = Stage::done;
        retire_ended(now, effects);
    }
}

// The policy's target is absolute and stays what it is.
void OrderBook::rebase_squeeze(JvmPart& part, Bytes pss) {
    Jvm* jvm = jvms_.find(part.task.jvm);
    if (!part.task.rebases || !jvm || !(jvm->process == part.process) || !jvm->report) return;
    rebase(part.task, *jvm->report, pss);
    jvm->restraint.target = part.task.afterwards.target;
    jvm->restraint.ceiling = part.task.afterwards.ceiling;
}

void OrderBook::answered(Jvm& jvm, const OperationResult& answer, TimePoint now, Effects& effects) {
    Operation* operation = nullptr;
    JvmPart* part = find_part(jvm.name, operation);
    if (!part || operation->order.op != answer.op || answer.session != jvm.session || part->stage != Stage::ordered) return;
    part->outcome = outcome_from_answer(part->task, answer, jvm.heap_ceiling());
    part->rest = answer.rest;
    if (answer.rest == RestIs::rolled_back) roll_back(*part);
    verify(*operation, *part, now, effects);
    retire_ended(now, effects);
}

void OrderBook::verify(Operation& operation, JvmPart& part, TimePoint now, Effects& effects) {
    if (!part.task.shrinks || !part.pss_before) {
        part.stage = Stage::done;
        return;
    }
    part.stage = Stage::verifying;
    part.due = now + kMeasureAfter;
    effects.push_back(Measure{operation.order.op, part.task.jvm, part.process, Moment::after});
}

void OrderBook::roll_back(const JvmPart& part) {
    if (Jvm* jvm = jvms_.find(part.task.jvm); jvm && jvm->process == part.process) jvm->restraint = part.previous;
}

void OrderBook::end_part(JvmPart& part, EndReason reason) {
    const Jvm* jvm = jvms_.find(part.task.jvm);
    const bool same = jvm && jvm->process == part.process;
    std::optional<Bytes> footprint;
    if (same && jvm->report) footprint = jvm->report->footprint.resident;
    part.outcome = outcome_without_answer(part.task, reason, footprint);
}

void OrderBook::agent_away(const std::string& jvm, TimePoint now, Effects& effects) {
    Operation* operation = nullptr;
    JvmPart* part = find_part(jvm, operation);
    if (!part || part->stage != Stage::ordered) return;
    part->stage = Stage::away;
    if (operation->cancelled) end_unanswered(*operation, *part, EndReason::cancelled, now, effects);
    retire_ended(now, effects);
}

void OrderBook::agent_back(Jvm& jvm, TimePoint now, Effects& effects) {
    Operation* operation = nullptr;
    JvmPart* part = find_part(jvm.name, operation);
    if (!part || !(part->process == jvm.process)) return;
    // The agent knows the operation by its id: it goes on with it, or gives its result again.
    if ((part->stage == Stage::away || part->stage == Stage::ordered) && now < operation->deadline_at())
        send(*operation, *part, now, effects);
}

void OrderBook::process_ended(const std::string& jvm, TimePoint now, Effects& effects) {
    Operation* operation = nullptr;
    JvmPart* part = find_part(jvm, operation);
    if (!part) return;
    end_part(*part, EndReason::disconnected);
    part->stage = Stage::done;
    part->outcome.detail = "its process has ended";
    retire_ended(now, effects);
}

Status OrderBook::cancel(const std::string& op, OnShortfall rest, TimePoint now, Effects& effects) {
    const auto running =
        std::find_if(running_.begin(), running_.end(), [&](const Operation& o) { return o.order.op == op; });
    if (running == running_.end()) {
        if (const Operation* ended = find(op)) {
            return fail(ErrorCode::refused, "operation " + op + " has already ended (" +
                                                std::string(to_string(view_of(*ended, now).reason)) + ")");
        }
        return fail(ErrorCode::not_found, "there is no operation " + op + "; `ops` lists them");
    }
    running->cancelled = rest;
    for (JvmPart& part : running->parts) cancel_part(*running, part, now, effects);
    if (running->os) cancel_os(*running, effects);
    retire_ended(now, effects);
    return {};
}

void OrderBook::cancel_part(Operation& operation, JvmPart& part, TimePoint now, Effects& effects) {
    if (part.stage == Stage::measuring || part.stage == Stage::waiting) {  // nothing has been sent
        end_part(part, EndReason::cancelled);
        part.stage = Stage::done;
        part.rest = RestIs::rolled_back;
        return roll_back(part);
    }
    if (part.stage == Stage::away) return end_unanswered(operation, part, EndReason::cancelled, now, effects);
    const Jvm* jvm = jvms_.find(part.task.jvm);
    if (part.stage != Stage::ordered || !jvm || !jvm->connection) return;
    effects.push_back(CancelAgent{*jvm->connection, Cancel{jvm->session, operation.order.op, *operation.cancelled}});
    part.due = std::min(part.due, now + kCancelWithin);
}

void OrderBook::tick(TimePoint now, Effects& effects) {
    for (Operation& operation : running_) {
        for (JvmPart& part : operation.parts) {
            if (part.stage != Stage::done && part.due <= now) part_due(operation, part, now, effects);
        }
        if (operation.os && operation.os->stage == OsPart::Stage::asking && operation.os->due <= now)
            move_os(operation, now, effects);
        if (operation.os && operation.os->stage == OsPart::Stage::moving && operation.os->due <= now) {
            end_os(operation, EndReason::stuck, "the kernel did not answer");
            start_waiting(operation, now, effects);
        }
    }
    retire_ended(now, effects);
}

void OrderBook::part_due(Operation& operation, JvmPart& part, TimePoint now, Effects& effects) {
    const Jvm* jvm = jvms_.find(part.task.jvm);
    switch (part.stage) {
        case Stage::waiting:
            return;  // the OS layer's own due time decides
        case Stage::measuring:
            return send(operation, part, now, effects);
        case Stage::away:
            return end_unanswered(operation, part, EndReason::disconnected, now, effects);
        case Stage::ordered: {
            const bool silent = !jvm || now - jvm->heard_at > kStuckAfter;
            const EndReason late = operation.cancelled ? EndReason::cancelled : EndReason::deadline;
            // Whenever it wakes up, it must not go on taking.
            if (jvm && jvm->connection && !operation.cancelled) {
                effects.push_back(
                    CancelAgent{*jvm->connection, Cancel{jvm->session, operation.order.op, operation.order.on_shortfall}});
            }
            return end_unanswered(operation, part, silent ? EndReason::stuck : late, now, effects);
        }
        case Stage::verifying:
            part.stage = Stage::done;
            return;
        case Stage::done:
            return;
    }
}

void OrderBook::end_unanswered(Operation& operation, JvmPart& part, EndReason reason, TimePoint now, Effects& effects) {
    end_part(part, reason);
    const OnShortfall rest = operation.cancelled.value_or(operation.order.on_shortfall);
    if (rest == OnShortfall::rollback) roll_back(part);
    verify(operation, part, now, effects);
}

std::optional<TimePoint> OrderBook::next_due() const {
    std::optional<TimePoint> next;
    for (const Operation& operation : running_) {
        for (const JvmPart& part : operation.parts) {
            const bool ticks = part.stage != Stage::done && part.stage != Stage::waiting;
            if (ticks && (!next || part.due < *next)) next = part.due;
        }
        const bool ticks =
            operation.os && (operation.os->stage == OsPart::Stage::moving || operation.os->stage == OsPart::Stage::asking);
        if (ticks && (!next || operation.os->due < *next)) next = operation.os->due;
    }
    return next;
}

}  // namespace aerostat::guest
