#include "guest-balloon/decide/host_rules.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

JvmTask settled(const std::string& name, EndReason reason, const std::string& detail) {
    JvmTask task;
    task.jvm = name;
    JvmOutcome outcome;
    outcome.jvm = name;
    outcome.reason = reason;
    outcome.detail = detail;
    task.settled = outcome;
    return task;
}

JvmTask settled(const Jvm& jvm, HeapTarget wanted, EndReason reason, const std::string& detail) {
    JvmTask task = settled(jvm.name, reason, detail);
    JvmOutcome& outcome = *task.settled;
    outcome.before = outcome.after = jvm.report->footprint.resident;
    const bool shrinks = wanted.footprint < outcome.before;
    outcome.asked = shrinks ? saturating_sub(outcome.before, wanted.footprint) : Bytes();
    outcome.shortfall = outcome.asked;
    return task;
}

// The target within what this JVM's floor and an operator's ceiling allow.
void limit(JvmTask& task, const Jvm& jvm) {
    const Restraint& now = jvm.restraint;
    // The policy keeps to reported floors.
    const Bytes floor = jvm.report->floor;
    if (task.shrinks && !task.below_floor && task.target.footprint < floor) {
        task.target.footprint = std::min(floor, task.before);
        task.limit = EndReason::floor;
        task.remark = "its floor is " + format_bytes(floor);
    }
    if (now.ceiling && !now.rebuilt && task.target.footprint > *now.ceiling) {
        task.target.footprint = *now.ceiling;
        task.limit = EndReason::superseded;
        task.remark = "an operator here holds it at " + format_bytes(*now.ceiling);
    }
}

JvmTask task_for(const JvmOrder& order, const JvmBook& jvms, const PauseSwitch& paused) {
    const Jvm* jvm = jvms.find(order.jvm);
    if (!jvm || !jvm->connection) return settled(order.jvm, EndReason::disconnected, "no such JVM is connected");
    if (!jvm->report) return settled(order.jvm, EndReason::disconnected, "it has not reported yet");
    if (paused.covers(jvm->name))
        return settled(*jvm, order.target, EndReason::paused, "paused by an operator of the guest");
    const Bytes footprint = jvm->report->footprint.resident;
    const bool lifts = order.target.footprint >= jvm->heap_ceiling();
    if (!jvm->facts.can_balloon)
        return settled(*jvm, order.target, lifts ? EndReason::met : EndReason::unsupported, jvm->facts.why_not);
    JvmTask task;
    task.jvm = jvm->name;
    task.before = footprint;
    task.target = order.target;
    task.shrinks = order.target.footprint < footprint;
    task.asked =
        task.shrinks ? saturating_sub(footprint, order.target.footprint) : saturating_sub(order.target.footprint, footprint);
    if (order.shrink_by && !order.shrink_by->is_zero()) {
        task.shrinks = task.rebases = true;
        task.asked = *order.shrink_by;
        task.target.footprint = std::min(task.target.footprint, saturating_sub(footprint, task.asked));
    }
    task.below_floor = order.shrink_by.has_value();  // an operator's, though it may be told once more
    limit(task, *jvm);
    task.afterwards = jvm->restraint;
    if (task.afterwards.rebuilt) task.afterwards = Restraint{};
    const bool restrains = task.target.footprint < jvm->heap_ceiling();
    task.afterwards.target = restrains ? std::optional(task.target) : std::nullopt;
    return task;
}

// Never so low that the reserve could only be kept by swapping: what may go, unused or cache, is what lies above the floor.
OsTask os_task_for(GuestTarget wanted, const OsReport& os) {
    OsTask task;
    task.before = os.holds;
    task.limit = os.limit;
    // More than it may hold without us is that: the hold ends.
    const Bytes unheld = os.target ? *os.target + os.taken : os.limit;
    task.wanted = task.target = std::min(wanted.left_to_guest, std::max(unheld, os.limit));
    task.asks = !os.offered.value_or(Bytes()).is_zero() && task.wanted < task.before;
    const Bytes least = saturating_sub(os.limit, saturating_sub(os.size, os.floor));
    if (task.target >= least) return task;
    task.target = least;
    task.reason = EndReason::floor;
    task.remark = "less than " + format_bytes(least) + " would have to be swapped, or eat into the reserve";
    return task;
}

}  // namespace

Order order_for(const Apply& apply, const JvmBook& jvms, const PauseSwitch& paused, const std::optional<OsReport>& os) {
    constexpr Millis kLongestDeadline{3'600'000};
    Order order;
    order.op = apply.op;
    order.origin = Origin::host;
    order.command = "balance";
    order.deadline = std::clamp(apply.deadline, Millis(1), kLongestDeadline);
    order.on_shortfall = apply.on_shortfall;
    order.cap = apply.cap;
    order.hold = apply.hold;
    if (apply.os_target && os && os->can_move && !paused.everything)
        order.os = os_task_for(*apply.os_target, *os);
    else if (apply.os_target)
        order.detail = "no OS balloon is driven from inside this guest: os_target was ignored";
    for (const JvmOrder& jvm : apply.jvms) {
        std::erase_if(order.tasks, [&](const JvmTask& task) { return task.jvm == jvm.jvm; });
        order.tasks.push_back(task_for(jvm, jvms, paused));
    }
    if (order.tasks.size() == 1) order.subject = order.tasks.front().jvm;
    return order;
}

}  // namespace aerostat::guest
