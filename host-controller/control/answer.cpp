#include <algorithm>
#include <optional>

#include "contract/names.h"
#include "host-controller/control/desk.h"

namespace aerostat::host::control {
namespace {

constexpr Millis kDefaultDeadline{5'000};
constexpr Millis kLongestDeadline{3'600'000};

void fail_with(const Respond& respond, Error error) {
    respond({.id = {}, .more = false, .error = std::move(error), .body = {}});
}
void reply_with(const Respond& respond, ReplyBody body) {
    respond({.id = {}, .more = false, .error = {}, .body = std::move(body)});
}

struct Target {
    GuestSeen guest;
    std::string jvm;
};

std::string known_names(const HostSnapshot& seen) {
    std::string names;
    for (const GuestSeen& guest : seen.guests) names += (names.empty() ? "" : ", ") + guest.name;
    return names.empty() ? "no guest is here" : "known guests: " + names;
}

Result<Target> find_target(const Host& host, const std::string& text) {
    const auto slash = text.find('/');
    const std::string name = text.substr(0, slash);
    const std::string jvm = slash == std::string::npos ? std::string() : text.substr(slash + 1);
    HostSnapshot seen = host.seen();
    if (name.empty()) return fail(ErrorCode::bad_value, "which guest? GUEST or GUEST/JVM is expected; " + known_names(seen));
    for (GuestSeen& guest : seen.guests) {
        if (guest.name == name) return Target{std::move(guest), jvm};
    }
    return fail(ErrorCode::not_found, "no guest \"" + printable(name, 70) + "\"; " + known_names(seen));
}

// Why this guest takes no orders now; empty: it does.
std::string why_no_orders(const Host& host, const Target& target) {
    if (!host.acts()) return "mode is advise: nothing is ordered; set mode = \"act\" in the configuration and reload";
    const auto limits = host.rules().limits_for(target.guest.name);
    if (!limits)
        return target.guest.name + " is observed only; name it in a [guest." + target.guest.name + "] section to manage it";
    if (!target.guest.left_alone.empty()) return target.guest.name + " is left alone: " + target.guest.left_alone;
    if (!target.guest.connected) return target.guest.name + " is not connected";
    if (host.state().paused_guests.contains(target.guest.id))
        return target.guest.name + " is paused; `resume " + target.guest.name + "` first";
    if (target.guest.hands_off) return target.guest.name + " has switched ballooning off itself";
    return {};
}

Result<OperatorOrder> split(const Host& host, const ControlRequest& request, const Target& target) {
    if (request.command == Command::squeeze) return split_squeeze(target.guest, target.jvm, request.bytes.value_or(Bytes()));
    const Bytes free = host.dry_run().free;
    if (request.command == Command::give)
        return split_give(target.guest, host.state(), target.jvm, request.bytes.value_or(Bytes()), free);
    return split_release(target.guest, host.state(), target.jvm, free);
}

void begin_operation(Host& host, const ControlRequest& request, const Respond& respond) {
    auto target = find_target(host, request.target);
    if (!target) return fail_with(respond, target.error());
    if (const std::string refusal = why_no_orders(host, *target); !refusal.empty()) {
        return fail_with(respond, Error{ErrorCode::refused, refusal});
    }
    const Millis deadline = request.deadline.value_or(kDefaultDeadline);
    if (deadline <= Millis(0) || deadline > kLongestDeadline) {
        return fail_with(respond, Error{ErrorCode::bad_value, "a deadline between 1 ms and 1 h is expected"});
    }
    auto order = split(host, request, *target);
    if (!order) return fail_with(respond, order.error());
    Errand errand{request.command, target->guest.id,     request.target, *std::move(order),
                  deadline,        request.on_shortfall, request.hold};
    if (request.command != Command::squeeze) errand.hold.reset();
    const auto done = request.wait ? [respond](const OperationView& ended) { reply_with(respond, ended); }
                                   : std::function<void(const OperationView&)>();
    const OperationView begun = host.carry_out(std::move(errand), done);
    if (!request.wait) reply_with(respond, begun);
}

void cancel_operation(Host& host, const ControlRequest& request, const Respond& respond) {
    auto cancelled = host.cancel(request.op);
    if (!cancelled) return fail_with(respond, cancelled.error());
    reply_with(respond, *std::move(cancelled));
}

void switch_off_or_on(Host& host, const ControlRequest& request, const Respond& respond) {
    std::optional<GuestId> guest;
    if (!request.target.empty()) {
        auto target = find_target(host, request.target);
        if (!target) return fail_with(respond, target.error());
        if (!target->jvm.empty())
            return fail_with(respond,
                             Error{ErrorCode::unsupported,
                                   "pause and resume take a guest here; for one JVM ask its guest's aerostat-guestd"});
        guest = target->guest.id;
    }
    if (request.command == Command::pause)
        host.pause(guest);
    else
        host.resume(guest);
    reply_with(respond, status_view(host));
}

// Without a target no single order is sent: the ceilings end, and the policy shares out anew.
void release_everywhere(Host& host, const Respond& respond) {
    if (!host.acts())
        return fail_with(respond,
                         Error{ErrorCode::refused,
                               "mode is advise: nothing is ordered; set mode = \"act\" in the configuration and reload"});
    OperationView view;
    view.command = "release";
    view.detail = std::to_string(host.end_all_ceilings()) + " ceilings ended; the policy shares out anew";
    reply_with(respond, view);
}

bool is_reservation(const Host& host, const ControlRequest& request) {
    return request.command == Command::release && (!request.guest.empty() || host.knows_reservation(request.target));
}

void release_reservation(Host& host, const ControlRequest& request, const Respond& respond) {
    if (auto released = host.release_reservation(request.target, request.guest); !released)
        return fail_with(respond, released.error());
    OperationView view;
    view.command = "release";
    view.target = request.target;
    view.detail = "the reservation has ended; the policy shares out anew";
    reply_with(respond, view);
}

// A guest is never given more than its max: more than that need not be kept for it.
void reserve(Host& host, const ControlRequest& request, const Respond& respond) {
    ReservationWish wish;
    wish.bytes = request.bytes.value_or(Bytes());
    if (const auto limits = host.rules().limits_for(request.target); limits && limits->max && !request.target.empty())
        wish.bytes = std::min(wish.bytes, *limits->max);
    wish.guest = request.guest;
    wish.name = request.target;
    wish.hook = request.hook;
    if (request.deadline) wish.deadline = *request.deadline;
    if (request.hold) wish.hold = *request.hold;
    const auto done = request.wait ? [respond](const OperationView& ended) { reply_with(respond, ended); }
                                   : std::function<void(const OperationView&)>();
    const auto begun = host.reserve(std::move(wish), done);
    if (!begun) return fail_with(respond, begun.error());
    if (!request.wait) reply_with(respond, *begun);
}

}  // namespace

void answer(Host& host, const ControlRequest& request, const Respond& respond) {
    switch (request.command) {
        case Command::status:
        case Command::jvms:
            return reply_with(respond, status_view(host));
        case Command::ops:
            return reply_with(respond, OperationsView{host.operations()});
        case Command::doctor:
            return reply_with(respond, DoctorView{host.examine()});
        case Command::plan:
            return reply_with(respond, plan_view(host.dry_run()));
        case Command::squeeze:
        case Command::give:
        case Command::release:
            if (is_reservation(host, request)) return release_reservation(host, request, respond);
            if (request.command == Command::release && request.target.empty()) return release_everywhere(host, respond);
            return begin_operation(host, request, respond);
        case Command::reserve:
            return reserve(host, request, respond);
        case Command::cancel:
            return cancel_operation(host, request, respond);
        case Command::pause:
        case Command::resume:
            return switch_off_or_on(host, request, respond);
    }
}

}  // namespace aerostat::host::control
