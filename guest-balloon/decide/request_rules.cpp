#include "guest-balloon/decide/request_rules.h"

#include <algorithm>

#include "contract/names.h"

namespace aerostat::guest {
namespace {

constexpr Millis kDefaultDeadline{5'000};
constexpr Millis kShortestDeadline{20};
constexpr Millis kLongestDeadline{3'600'000};

Result<Millis> deadline_of(const ControlRequest& request) {
    const Millis deadline = request.deadline.value_or(kDefaultDeadline);
    if (deadline < kShortestDeadline || deadline > kLongestDeadline) {
        return fail(ErrorCode::bad_value, "a deadline must lie between 20 ms and 1 h");
    }
    return deadline;
}

Result<const Jvm*> jvm_for(const ControlRequest& request, const JvmBook& jvms, const Circumstances& here) {
    auto name = jvm_in_target(request.target, here.guest);
    if (!name) return tl::unexpected(name.error());
    if (name->empty()) return fail(ErrorCode::bad_value, "name a JVM; known here: " + jvms.known_names());
    const Jvm* jvm = jvms.find(*name);
    if (!jvm)
        return fail(ErrorCode::not_found,
                    "no JVM is called " + printable(*name, 64) + " here; known: " + jvms.known_names());
    if (!jvm->connection) return fail(ErrorCode::disconnected, "the agent of " + jvm->name + " is not connected at present");
    if (!jvm->report) return fail(ErrorCode::busy, jvm->name + " has just arrived and has not reported yet");
    if (here.paused.covers(jvm->name)) return fail(ErrorCode::refused, jvm->name + " is paused; `resume` first");
    return jvm;
}

Status check_owner(const ControlRequest& request, const Circumstances& here) {
    if (!here.host_in_charge || request.local) return {};
    return fail(ErrorCode::refused, "the host is in charge; use --local to override");
}

// What lies above its floor it gives most likely; the rest it will find out.
std::string holds_less(const Jvm& jvm, Bytes wanted) {
    const Bytes held = jvm.report->footprint.resident;
    return jvm.name + " cannot give " + format_bytes(wanted) + ": its heap now holds " + format_bytes(held) + ", of which " +
           format_bytes(saturating_sub(held, jvm.report->floor)) + " lie above its floor";
}

// BYTES off the footprint; never looser than an order already in force. The floor is the agent's to find: what is reported
// is an estimate, which a collection cycle may lower.
Result<JvmTask> squeezing_task(const Jvm& jvm, Bytes bytes) {
    if (!jvm.facts.can_balloon) return fail(ErrorCode::unsupported, jvm.name + " cannot balloon: " + jvm.facts.why_not);
    const JvmReport& report = *jvm.report;
    if (bytes > report.footprint.resident) return fail(ErrorCode::refused, holds_less(jvm, bytes));
    JvmTask task;
    task.jvm = jvm.name;
    task.before = report.footprint.resident;
    task.asked = bytes;
    task.target.footprint = saturating_sub(task.before, bytes);
    if (jvm.restraint.target) task.target = std::min(task.target, *jvm.restraint.target);
    task.shrinks = task.below_floor = task.rebases = true;
    task.afterwards = Restraint{task.target, task.target.footprint, false, std::nullopt};
    return task;
}

JvmTask giving_task(const Jvm& jvm, Bytes bytes) {
    JvmTask task = lifting_task(jvm);
    if (task.settled) return task;
    const HeapTarget raised{jvm.restraint.target.value_or(HeapTarget{}).footprint + bytes};
    task.asked = bytes;
    if (raised.footprint >= jvm.heap_ceiling()) return task;
    task.target = raised;
    task.afterwards = jvm.restraint;
    task.afterwards.target = raised;
    if (task.afterwards.ceiling) task.afterwards.ceiling = std::max(*task.afterwards.ceiling, raised.footprint);
    return task;
}

Result<Order> order_for_one(const ControlRequest& request, Order order, const JvmBook& jvms, const Circumstances& here) {
    if (!request.bytes || request.bytes->is_zero()) return fail(ErrorCode::bad_value, "say how many bytes");
    auto jvm = jvm_for(request, jvms, here);
    if (!jvm) return tl::unexpected(jvm.error());
    order.subject = (*jvm)->name;
    if (request.command == Command::give) {
        order.tasks.push_back(giving_task(**jvm, *request.bytes));
        // A new order replaces the old one's hold at the agent: what is left of it goes along.
        if (const auto until = (*jvm)->restraint.until) order.hold = std::max(Millis(1), to_millis(*until - here.now));
        return order;
    }
    if (request.hold && *request.hold <= order.deadline)
        return fail(ErrorCode::bad_value, "--hold must be longer than the deadline");
    order.hold = request.hold;
    auto task = squeezing_task(**jvm, *request.bytes);
    if (!task) return tl::unexpected(task.error());
    order.tasks.push_back(*std::move(task));
    return order;
}

}  // namespace

Result<std::string> jvm_in_target(const std::string& target, const std::string& guest) {
    const std::size_t slash = target.find('/');
    if (slash == std::string::npos) return target == guest ? std::string() : target;
    if (target.substr(0, slash) == guest) return target.substr(slash + 1);
    return fail(ErrorCode::not_found,
                "this is " + guest + ", not " + printable(target.substr(0, slash), 64) + "; here TARGET is a JVM's name");
}

JvmTask lifting_task(const Jvm& jvm) {
    JvmTask task;
    task.jvm = jvm.name;
    task.before = jvm.report ? jvm.report->footprint.resident : Bytes();
    task.target.footprint = jvm.heap_ceiling();
    if (jvm.restraint.target && jvm.connection) {
        task.asked = saturating_sub(task.target.footprint, jvm.restraint.target->footprint);
        return task;
    }
    JvmOutcome nothing;
    nothing.jvm = jvm.name;
    nothing.before = nothing.after = task.before;
    nothing.detail = jvm.connection ? "nothing restrains it" : "its agent is not connected";
    if (!jvm.connection) nothing.reason = EndReason::disconnected;
    task.settled = nothing;
    return task;
}

Order lifting_order(const std::string& op, const std::string& command, const std::string& name, const JvmBook& jvms) {
    Order order;
    order.op = op;
    order.command = command;
    order.subject = name;
    for (const Jvm* jvm : jvms.connected()) {
        if (name.empty() || jvm->name == name) order.tasks.push_back(lifting_task(*jvm));
    }
    return order;
}

Result<Order> order_for(const ControlRequest& request, const std::string& op, const JvmBook& jvms,
                        const Circumstances& here) {
    if (auto owner = check_owner(request, here); !owner) return tl::unexpected(owner.error());
    auto deadline = deadline_of(request);
    if (!deadline) return tl::unexpected(deadline.error());
    Order order;
    order.op = op;
    order.command = to_string(request.command);
    order.deadline = *deadline;
    order.on_shortfall = request.on_shortfall;
    if (request.command != Command::release) return order_for_one(request, std::move(order), jvms, here);
    auto name = jvm_in_target(request.target, here.guest);
    if (!name) return tl::unexpected(name.error());
    if (!name->empty() && !jvms.find(*name)) {
        return fail(ErrorCode::not_found,
                    "no JVM is called " + printable(*name, 64) + " here; known: " + jvms.known_names());
    }
    order.tasks = lifting_order(op, order.command, *name, jvms).tasks;
    order.subject = *name;
    return order;
}

}  // namespace aerostat::guest
