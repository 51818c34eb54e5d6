#include "guest-balloon/decide/operation.h"

#include <algorithm>

#include "contract/names.h"

namespace aerostat::guest {
namespace {

void append_sentence(std::string& text, const std::string& sentence) {
    if (sentence.empty()) return;
    if (!text.empty()) text += "; ";
    text += sentence;
}

Bytes measured_after(const JvmTask& task, const OperationResult& answer) {
    return task.target.footprint + saturating_sub(answer.asked, answer.obtained);
}

// An agent's `met` is believed as far as its own figures bear it out; a chunk more or less is nothing.
void settle_reason(JvmOutcome& outcome, const JvmTask& task, EndReason reason) {
    constexpr Bytes kSmallest(1024 * 1024);
    outcome.shortfall = saturating_sub(outcome.asked, outcome.obtained);
    outcome.reason = reason;
    if (reason != EndReason::met || outcome.shortfall <= std::max(kSmallest, outcome.asked / 50)) return;
    outcome.reason = task.limit != EndReason::met ? task.limit : EndReason::not_reclaimable;
}

JvmOutcome blank_outcome(const JvmTask& task) {
    JvmOutcome outcome;
    outcome.jvm = task.jvm;
    outcome.before = task.before;
    outcome.after = task.before;
    outcome.asked = task.asked;
    outcome.detail = task.remark;
    return outcome;
}

// The parts' details, each under its JVM's name where there are several.
std::string details_of(const Operation& operation) {
    std::string text = operation.order.detail;
    for (const JvmPart& part : operation.parts) {
        const std::string& detail = part.outcome.detail;
        if (detail.empty()) continue;
        append_sentence(text, operation.parts.size() > 1 ? part.task.jvm + ": " + detail : detail);
    }
    if (operation.os && !operation.os->outcome.detail.empty())
        append_sentence(text, "OS layer: " + operation.os->outcome.detail);
    return printable(text, WireLimits::kText - 16);
}

}  // namespace

bool Operation::running() const { return heaps_run() || (os && os->stage != OsPart::Stage::done); }

TimePoint Operation::heaps_deadline_at() const {
    constexpr Duration kLeast = std::chrono::milliseconds(200);
    constexpr Duration kMost = std::chrono::seconds(3);
    if (!order.os || !order.os->takes() || order.tasks.empty()) return deadline_at();
    const Duration all = order.deadline;
    return deadline_at() - std::clamp(all / 4, std::min(kLeast, all / 2), kMost);
}

bool Operation::heaps_run() const {
    return std::any_of(parts.begin(), parts.end(), [](const JvmPart& part) { return part.stage != Stage::done; });
}

JvmPart* Operation::part_of(const std::string& jvm) {
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const JvmPart& part) { return part.task.jvm == jvm; });
    return found == parts.end() ? nullptr : &*found;
}

Bytes known_floor(const JvmReport& report) { return report.live ? report.floor : Bytes(); }

void rebase(JvmTask& task, const JvmReport& report, Bytes pss) {
    const Bytes heap = saturating_sub(pss, report.non_heap);
    if (heap >= task.before) return;
    // Below the floor only as far as the operator meant to go there.
    const Bytes least = std::min({known_floor(report), heap, task.target.footprint});
    const HeapTarget lower{std::max(saturating_sub(heap, task.asked), least)};
    task.before = heap;
    const bool own_ceiling = task.afterwards.ceiling == task.target.footprint;  // else another operator's, which stands
    task.target = std::min(task.target, lower);
    task.afterwards.target = task.target;
    if (own_ceiling) task.afterwards.ceiling = task.target.footprint;
    if (saturating_sub(heap, task.target.footprint) >= task.asked) return;
    task.limit = EndReason::floor;
    task.remark = "its heap turned out to hold only " + format_bytes(heap) + ", its floor is " + format_bytes(report.floor);
}

JvmOutcome outcome_from_answer(const JvmTask& task, const OperationResult& answer, Bytes heap_ceiling) {
    JvmOutcome outcome = blank_outcome(task);
    append_sentence(outcome.detail, printable(answer.detail, 160));
    if (task.shrinks) {
        // The heap may have shrunk or grown between the footprint we counted from and the order's arrival. Its own base
        // is the agent's, ours was named to the operator: what counts is how far below ours it has come.
        const Bytes after = std::min(measured_after(task, answer), heap_ceiling);
        outcome.obtained = saturating_sub(task.before, after);
        outcome.after = std::min(after, std::max(task.before, task.target.footprint));
    } else {
        outcome.obtained = saturating_sub(task.asked, answer.reason == EndReason::met ? Bytes() : answer.shortfall);
    }
    settle_reason(outcome, task, answer.reason);
    return outcome;
}

JvmOutcome outcome_without_answer(const JvmTask& task, EndReason reason, std::optional<Bytes> footprint_now) {
    JvmOutcome outcome = blank_outcome(task);
    if (task.shrinks && footprint_now) {
        outcome.after = *footprint_now;
        outcome.obtained = saturating_sub(task.before, *footprint_now);
    }
    outcome.shortfall = saturating_sub(outcome.asked, outcome.obtained);
    outcome.reason = reason;
    return outcome;
}

void add_verified(JvmPart& part, std::optional<Bytes> pss_after) {
    if (!part.task.shrinks || !part.pss_before || !pss_after) return;
    part.outcome.verified = saturating_sub(*part.pss_before, *pss_after);
}

OperationResult result_of(const Operation& operation, const std::string& session) {
    OperationResult result;
    result.session = session;
    result.op = operation.order.op;
    result.elapsed = std::max(Millis(0), to_millis(operation.ended_at - operation.accepted_at));
    bool shrinks = false;
    bool all_verified = true;
    Bytes verified;
    Bytes worst;
    for (const JvmPart& part : operation.parts) {
        const JvmOutcome& outcome = part.outcome;
        result.jvms.push_back(outcome);
        result.asked += outcome.asked;
        result.obtained += outcome.obtained;
        result.shortfall += outcome.shortfall;
        if (outcome.reason != EndReason::met && (result.reason == EndReason::met || outcome.shortfall > worst)) {
            result.reason = outcome.reason;
            worst = outcome.shortfall;
        }
        if (part.rest == RestIs::rolled_back) result.rest = RestIs::rolled_back;
        if (!part.task.shrinks) continue;
        shrinks = true;
        all_verified = all_verified && outcome.verified;
        verified += outcome.verified.value_or(Bytes());
    }
    if (shrinks && all_verified) result.verified = verified;
    if (operation.os) {
        result.os = operation.os->outcome;
        if (result.reason == EndReason::met) result.reason = result.os->reason;
    }
    result.detail = details_of(operation);
    return result;
}

OperationView view_of(const Operation& operation, TimePoint now) {
    const OperationResult result = result_of(operation, {});
    OperationView view;
    view.op = operation.order.op;
    view.command = operation.order.command;
    view.target = operation.order.subject;
    view.running = operation.running();
    view.asked = result.asked;
    view.obtained = result.obtained;
    if (result.os && !view.running) view.os_moved = result.os->obtained;
    view.verified = result.verified;
    view.shortfall = view.running ? saturating_sub(result.asked, result.obtained) : result.shortfall;
    view.reason = result.reason;
    view.rest = result.rest;
    view.deadline = operation.order.deadline;
    view.elapsed = std::max(Millis(0), to_millis((view.running ? now : operation.ended_at) - operation.accepted_at));
    view.started_ago = std::max(Millis(0), to_millis(now - operation.accepted_at));
    view.detail = result.detail;
    return view;
}

}  // namespace aerostat::guest
