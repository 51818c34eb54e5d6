#include "host-controller/act/operations.h"

#include <algorithm>

#include "contract/names.h"

namespace aerostat::host::act {
namespace {

constexpr std::size_t kKept = 64;
constexpr Duration kGrace = std::chrono::seconds(1);  // for the answer to travel after the deadline
constexpr Duration kMeasureWithin = std::chrono::milliseconds(500);
constexpr Millis kLease{30'000};
/// Of the time, what is kept for the OS balloon once the heaps have given; a quarter, within these.
constexpr Duration kBalloonLeast = std::chrono::milliseconds(200);
constexpr Duration kBalloonMost = std::chrono::seconds(3);

Duration balloon_time(Duration deadline) {
    return std::clamp(deadline / 4, std::min(kBalloonLeast, deadline / 2), kBalloonMost);
}

void append_sentence(std::string& text, const std::string& sentence) {
    if (sentence.empty()) return;
    if (!text.empty()) text += "; ";
    text += sentence;
}

std::string in_words(const BalloonOutcome& outcome, Bytes wanted) {
    const Bytes moved = saturating_sub(std::max(outcome.before, outcome.after), std::min(outcome.before, outcome.after));
    std::string text = "OS balloon: " + format_bytes(moved) + " of " + format_bytes(wanted);
    if (outcome.reason != EndReason::met) text += " (" + std::string(to_string(outcome.reason)) + ")";
    append_sentence(text, outcome.detail);
    return text;
}

// What the agents obtained, as far as it can be true: not more than these JVMs had to give.
Bytes believable_obtained(const OperationResult& result) {
    if (result.jvms.empty()) return result.obtained;
    Bytes sum;
    for (const JvmOutcome& jvm : result.jvms) sum += jvm.obtained;
    return std::min(sum, result.obtained);
}

bool grows(const std::string& command) { return command == "give" || command == "release"; }

}  // namespace

std::string Operations::start(OperationOrder order, OnEnded on_ended) {
    Operation& operation = operations_.emplace_front();
    operation.op = fresh_id();
    operation.order = std::move(order);
    operation.on_ended = std::move(on_ended);
    operation.started = clock_.now();
    operation.outcome.asked = operation.order.asked;
    forget_oldest();
    if (!operation.order.verify) {
        begin(operation);
        return operation.op;
    }
    operation.due = operation.started + std::min<Duration>(kMeasureWithin, operation.order.deadline / 4);
    const std::string op = operation.op;
    ports_.measure(operation.order.guest, [this, alive = std::weak_ptr(alive_), op](std::optional<Bytes> pss) {
        Operation* found = alive.expired() ? nullptr : find(op);
        if (!found || found->phase != Phase::measuring_before) return;
        found->before = pss;
        begin(*found);
    });
    return op;
}

void Operations::begin(Operation& operation) {
    if (balloons_ && operation.order.os_follows)
        operation.os = account_.share(operation.order.guest, operation.order.layers);
    if (balloons_) {
        operation.os.give += operation.order.os_gives;
        operation.os.takes = operation.os.takes || !operation.order.os_takes.is_zero();
        operation.os_missing = operation.order.os_takes;
    }
    operation.os.give = std::min(operation.os.give, operation.order.os_gives_most);
    if (balloons_ && operation.order.os_gives_all) operation.os = {Bytes(Bytes::kLimit), false, Bytes()};
    if (operation.os.takes && !operation.order.os_takes_not.empty()) {
        operation.os.takes = false;
        append_sentence(operation.outcome.detail, operation.order.os_takes_not);
    }
    if (!operation.os.give.is_zero()) return give_os(operation);
    dispatch(operation);
}

void Operations::give_os(Operation& operation) {
    operation.phase = Phase::giving_os;
    const TimePoint until = operation.started + operation.order.deadline / 2;
    operation.due = until + kGrace;
    balloons_->give(operation.order.guest, operation.os.give, until,
                    [this, alive = std::weak_ptr(alive_), op = operation.op](const BalloonOutcome& outcome) {
                        if (!alive.expired()) os_moved(op, true, outcome);
                    });
}

void Operations::take_os(Operation& operation) {
    operation.phase = Phase::taking_os;
    operation.due = deadline_of(operation) + kGrace;
    balloons_->take(operation.order.guest, due_of(operation), operation.order.os_never_below, deadline_of(operation),
                    [this, alive = std::weak_ptr(alive_), op = operation.op](const BalloonOutcome& outcome) {
                        if (!alive.expired()) os_moved(op, false, outcome);
                    });
}

// What the heaps gave, and what the guest OS layer is to give beyond it.
Bytes Operations::due_of(const Operation& operation) const {
    return account_.due(operation.order.guest, operation.order.layers, operation.jvms) + operation.order.os_takes;
}

void Operations::os_moved(const std::string& op, bool giving, const BalloonOutcome& outcome) {
    Operation* found = find(op);
    if (!found) return;
    // Also when this operation no longer waits for it: what has moved, has moved.
    note_moved(*found, giving, outcome);
    if (found->phase != (giving ? Phase::giving_os : Phase::taking_os)) return;
    if (!giving) return measure_after(*found);
    if (found->cancelled) return conclude(*found, EndReason::cancelled, "cancelled before the heaps were told");
    // A balloon that another move took over, or that cannot be moved, is no reason to keep a heap small.
    if (outcome.reason == EndReason::deadline || outcome.reason == EndReason::stuck)
        return conclude(*found, outcome.reason, "the heaps were not told to grow");
    dispatch(*found);
}

void Operations::note_moved(Operation& operation, bool giving, const BalloonOutcome& outcome) {
    if (outcome.reason == EndReason::unsupported) return append_sentence(operation.outcome.detail, outcome.detail);
    const GuestId& guest = operation.order.guest;
    const std::vector<LayerOrder>& layers = operation.order.layers;
    const Bytes moved =
        giving ? saturating_sub(outcome.after, outcome.before) : saturating_sub(outcome.before, outcome.after);
    const Bytes wanted = giving ? std::min(operation.os.give, moved) : due_of(operation);
    if (!giving) {  // the heaps' part counts first
        const Bytes own = std::min(operation.order.os_takes, saturating_sub(moved + operation.order.os_takes, wanted));
        operation.os_missing = saturating_sub(operation.order.os_takes, own);
        // Room that the guest had not filled is taken first, and frees nothing.
        const auto& os = operation.order.os;
        const Bytes asked = os ? saturating_sub(os->from, os->target.footprint) : Bytes();
        operation.outcome.obtained += saturating_sub(asked, operation.os_missing);
    }
    if (giving)
        account_.gave(guest, layers, moved);
    else
        account_.took(guest, layers, operation.jvms, moved);
    if (!outcome.maximum.is_zero() && outcome.after >= outcome.maximum) account_.forget(guest);
    operation.outcome.os_moved = moved;
    if (outcome.reason != EndReason::met) append_sentence(operation.outcome.detail, in_words(outcome, wanted));
}

void Operations::dispatch(Operation& operation) {
    operation.phase = Phase::sent;
    operation.due = deadline_of(operation) + kGrace;
    const bool followed = operation.os.takes;
    const Duration kept = followed ? balloon_time(operation.order.deadline) : Duration::zero();
    Apply apply;
    apply.op = operation.op;
    for (const LayerOrder& layer : operation.order.layers) {
        JvmOrder& jvm = apply.jvms.emplace_back(JvmOrder{layer.layer, layer.target});
        // Told once more, the heap may have given already: then the target alone counts.
        if (operation.order.command == "squeeze" && layer.target.footprint < layer.from)
            jvm.shrink_by = operation.sent_again ? Bytes() : saturating_sub(layer.from, layer.target.footprint);
    }
    apply.deadline = std::max(Millis(1), to_millis(deadline_of(operation) - kept - clock_.now()));
    apply.lease = kLease;
    apply.on_shortfall = operation.order.on_shortfall;
    apply.hold = operation.order.hold;
    apply.os_target = operation.order.os_target;
    operation.connected = ports_.send(operation.order.guest, std::move(apply));
    operation.reached = operation.reached || operation.connected;
}

Result<OperationView> Operations::cancel(const std::string& op) {
    Operation* found = find(op);
    if (!found) return fail(ErrorCode::not_found, "no operation \"" + printable(op, 70) + "\"; `ops` lists them");
    if (found->phase == Phase::ended) return view_of(*found);
    found->cancelled = true;
    Cancel order;
    order.op = op;
    order.rest = found->order.on_shortfall;
    const bool moves = found->phase == Phase::giving_os || found->phase == Phase::taking_os;
    if (moves) balloons_->cancel(found->order.guest);
    const bool waits = moves || (found->phase == Phase::sent && ports_.send(found->order.guest, std::move(order)));
    if (waits)
        found->due = std::min(found->due, clock_.now() + kGrace);
    else
        conclude(*found, EndReason::cancelled, "cancelled before the guest answered");
    return view_of(*found);
}

void Operations::take_result(const GuestId& guest, const OperationResult& result) {
    Operation* found = find(result.op);
    if (!found || found->order.guest != guest || found->phase != Phase::sent) return;
    OperationView& outcome = found->outcome;
    outcome.obtained = found->sent_again && found->order.command == "squeeze" ? obtained_since(found->order, result)
                                                                              : believable_obtained(result);
    outcome.rest = result.rest;
    found->jvms = result.jvms;
    note_container(*found, result);
    const bool growing = grows(found->order.command) || found->order.command == "balance";
    outcome.shortfall =
        growing ? std::min(result.shortfall, outcome.asked) : saturating_sub(outcome.asked, outcome.obtained);
    const bool all = outcome.shortfall.is_zero();
    const EndReason reason = all ? EndReason::met : result.reason != EndReason::met ? result.reason : EndReason::deadline;
    conclude(*found, found->cancelled && !all ? EndReason::cancelled : reason, result.detail);
}

// What a container's OS layer gave; its own word, the heaps' as well, is held against the measurement.
void Operations::note_container(Operation& operation, const OperationResult& result) {
    const auto& order = operation.order;
    if (!order.os_target || !result.os) return;
    operation.outcome.os_moved = result.os->obtained;
    if (!order.os || order.os->target.footprint >= order.os->from) return;
    const Bytes asked = saturating_sub(order.os->from, order.os->target.footprint);
    operation.os_missing = std::min(asked, result.os->shortfall);
    operation.outcome.obtained += saturating_sub(asked, operation.os_missing);
}

// An order that was sent twice may have been carried out before the second answer's base was taken.
Bytes Operations::obtained_since(const OperationOrder& order, const OperationResult& result) {
    Bytes sum;
    for (const LayerOrder& layer : order.layers) {
        for (const JvmOutcome& jvm : result.jvms) {
            if (jvm.jvm == layer.layer && shows_the_heap(jvm)) sum += saturating_sub(layer.from, jvm.after);
        }
    }
    return sum;
}

void Operations::rejoined(const GuestId& guest) {
    for (Operation& operation : operations_) {
        if (operation.order.guest == guest && operation.phase == Phase::sent && clock_.now() < deadline_of(operation))
            operation.send_again = true;
    }
}

void Operations::reported(const GuestId& guest, const GuestReport& report) {
    for (auto operation = operations_.rbegin(); operation != operations_.rend(); ++operation) {  // oldest first
        if (operation->send_again && operation->order.guest == guest) send_again_if_known(*operation, report);
    }
}

// A guest daemon that was just started has to find its JVMs first: it would refuse an order for one it does not know yet.
void Operations::send_again_if_known(Operation& operation, const GuestReport& report) {
    const auto is_known = [&](const LayerOrder& layer) {
        return std::any_of(report.jvms.begin(), report.jvms.end(), [&](const auto& jvm) { return jvm.name == layer.layer; });
    };
    const bool waits = operation.phase == Phase::sent && !operation.cancelled && clock_.now() < deadline_of(operation);
    if (!waits || !std::all_of(operation.order.layers.begin(), operation.order.layers.end(), is_known)) return;
    operation.send_again = false;
    if (is_superseded(operation)) return conclude(operation, EndReason::superseded, "a newer order came meanwhile");
    operation.sent_again = operation.reached;
    dispatch(operation);
}

bool Operations::is_superseded(const Operation& operation) const {
    const auto names_one = [&](const Operation& newer) {
        return std::any_of(newer.order.layers.begin(), newer.order.layers.end(), [&](const LayerOrder& a) {
            return std::any_of(operation.order.layers.begin(), operation.order.layers.end(),
                               [&](const LayerOrder& b) { return a.layer == b.layer; });
        });
    };
    for (const Operation& newer : operations_) {  // newest first
        if (&newer == &operation) return false;
        if (newer.order.guest == operation.order.guest && names_one(newer)) return true;
    }
    return false;
}

void Operations::gone(const GuestId& guest) {
    for (Operation& operation : operations_) {
        const bool running = operation.phase != Phase::ended && operation.phase != Phase::measuring_after;
        if (running && operation.order.guest == guest)
            conclude(operation, EndReason::disconnected, "the guest's processes are gone");
    }
    account_.forget(guest);
}

void Operations::conclude(Operation& operation, EndReason reason, const std::string& detail) {
    OperationView& outcome = operation.outcome;
    outcome.reason = reason;
    append_sentence(outcome.detail, detail);
    if (reason != EndReason::met && outcome.shortfall.is_zero() && outcome.obtained.is_zero())
        outcome.shortfall = outcome.asked;
    if (reason == EndReason::deadline && outcome.detail.empty())
        outcome.detail = "the time was up; what is still wanted may be asked for again";
    const bool over = reason == EndReason::cancelled || reason == EndReason::disconnected || reason == EndReason::stuck;
    const bool was_sent = operation.phase == Phase::sent;
    const bool follows = operation.os.takes && was_sent && !over && outcome.rest == RestIs::kept;
    if (follows && !due_of(operation).is_zero()) return take_os(operation);
    // Heaps that gave to others of their guest, with nothing left for the balloon: the account has to know.
    if (was_sent && !over && operation.os.give.is_zero() && !operation.os.keeps.is_zero())
        account_.gave(operation.order.guest, operation.order.layers, Bytes());
    measure_after(operation);
}

void Operations::measure_after(Operation& operation) {
    operation.phase = Phase::measuring_after;
    if (!operation.order.verify || !operation.before) return end(operation);
    operation.due = clock_.now() + kMeasureWithin;
    ports_.measure(operation.order.guest,
                   [this, alive = std::weak_ptr(alive_), op = operation.op](std::optional<Bytes> pss) {
                       Operation* found = alive.expired() ? nullptr : find(op);
                       if (!found || found->phase != Phase::measuring_after) return;
                       if (pss) found->outcome.verified = saturating_sub(*found->before, *pss);
                       end(*found);
                   });
}

void Operations::end(Operation& operation) {
    operation.outcome.elapsed = to_millis(clock_.now() - operation.started);
    operation.phase = Phase::ended;
    const EndedOperation ended{view_of(operation), operation.order.guest, operation.order.layers,
                               operation.jvms,     operation.order.os,    operation.os_missing};
    if (const OnEnded tell = std::exchange(operation.on_ended, nullptr)) tell(ended);
}

void Operations::tick() {
    const TimePoint now = clock_.now();
    std::vector<std::string> due;
    for (const Operation& operation : operations_) {
        if (operation.phase != Phase::ended && now >= operation.due) due.push_back(operation.op);
    }
    for (const std::string& op : due) {
        Operation* operation = find(op);
        if (!operation) continue;
        if (operation->phase == Phase::measuring_before)
            begin(*operation);
        else if (operation->phase == Phase::taking_os)
            measure_after(*operation);  // the mover's own deadline has passed, too: it does not answer
        else if (operation->phase == Phase::measuring_after)
            end(*operation);
        else if (operation->cancelled)
            conclude(*operation, EndReason::cancelled, "cancelled; the guest did not confirm");
        else if (!operation->reached || !operation->connected)
            conclude(*operation, EndReason::disconnected, "the guest could not be reached");
        else if (operation->send_again)
            conclude(*operation, EndReason::disconnected, "the guest came back without these JVMs");
        else
            conclude(*operation, EndReason::stuck, "the guest did not answer by the deadline");
    }
}

std::optional<TimePoint> Operations::next_due() const {
    std::optional<TimePoint> next;
    for (const Operation& operation : operations_) {
        if (operation.phase != Phase::ended && (!next || operation.due < *next)) next = operation.due;
    }
    return next;
}

Operations::Operation* Operations::find(const std::string& op) {
    const auto found = std::find_if(operations_.begin(), operations_.end(), [&](const Operation& o) { return o.op == op; });
    return found == operations_.end() ? nullptr : &*found;
}

// The policy's own operations go first: an operator wants to find his again.
void Operations::forget_oldest() {
    while (operations_.size() > kKept) {
        const auto ended = [](const Operation& o) { return o.phase == Phase::ended; };
        auto oldest = std::find_if(operations_.rbegin(), operations_.rend(),
                                   [&](const Operation& o) { return ended(o) && o.order.command == "balance"; });
        if (oldest == operations_.rend()) oldest = std::find_if(operations_.rbegin(), operations_.rend(), ended);
        if (oldest == operations_.rend()) return;
        operations_.erase(std::next(oldest).base());
    }
}

OperationView Operations::view_of(const Operation& operation) const {
    OperationView view = operation.outcome;
    view.op = operation.op;
    view.command = operation.order.command;
    view.target = operation.order.target;
    view.running = operation.phase != Phase::ended;
    view.deadline = operation.order.deadline;
    view.started_ago = to_millis(clock_.now() - operation.started);
    if (view.running) view.elapsed = view.started_ago;
    return view;
}

std::vector<OperationView> Operations::views() const {
    std::vector<OperationView> views;
    for (const Operation& operation : operations_) views.push_back(view_of(operation));
    return views;
}

}  // namespace aerostat::host::act
