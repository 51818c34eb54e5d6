// What operators and the host may order.
#include "contract/names.h"
#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/decide/host_rules.h"

namespace aerostat::guest {

Result<std::string> GuestState::begin(const ControlRequest& request, const std::string& op, TimePoint now,
                                      Effects& effects) {
    if (request.command == Command::pause) return pause(request, op, now, effects);
    auto order = order_for(request, op, jvms_, Circumstances{name_, superior(now) == Superior::connected, paused_, now});
    if (!order) return tl::unexpected(order.error());
    orders_.begin(*std::move(order), now, effects);
    return op;
}

// The off switch works whoever is in charge.
Result<std::string> GuestState::pause(const ControlRequest& request, const std::string& op, TimePoint now,
                                      Effects& effects) {
    auto name = jvm_in_target(request.target, name_);
    if (!name) return tl::unexpected(name.error());
    if (name->empty()) {
        paused_.everything = true;
    } else {
        if (!jvms_.find(*name)) {
            return fail(ErrorCode::not_found,
                        "no JVM is called " + printable(*name, 64) + " here; known: " + jvms_.known_names());
        }
        if (paused_.jvms.size() >= PauseSwitch::kMostNames)
            return fail(ErrorCode::refused, "too many JVMs are paused one by one; pause the guest");
        paused_.jvms.insert(*name);
    }
    orders_.begin(lifting_order(op, "pause", *name, jvms_), now, effects);
    return op;
}

Status GuestState::resume(const std::string& target) {
    auto name = jvm_in_target(target, name_);
    if (!name) return tl::unexpected(name.error());
    if (name->empty()) {
        paused_ = {};
        return {};
    }
    if (paused_.everything) return fail(ErrorCode::refused, "the whole guest is paused; `resume` without a name");
    if (paused_.jvms.erase(*name) == 0) return fail(ErrorCode::not_found, printable(*name, 64) + " is not paused");
    return {};
}

Status GuestState::cancel(const ControlRequest& request, TimePoint now, Effects& effects) {
    if (request.op.empty()) return fail(ErrorCode::bad_value, "name the operation to cancel; `ops` lists them");
    const Operation* operation = orders_.find(request.op);
    const bool of_host = operation && operation->order.origin == Origin::host;
    if (of_host && operation->running() && superior(now) == Superior::connected && !request.local) {
        return fail(ErrorCode::refused, "this operation is the host's; use --local to override");
    }
    return orders_.cancel(request.op, request.on_shortfall, now, effects);
}

void GuestState::host_welcomed(const std::string& session, const Welcome& welcome, TimePoint now) {
    host_session_ = session;
    name_ = welcome.name;
    host_.connected(welcome.lease, now);
}

void GuestState::host_lost(TimePoint now) {
    host_session_.clear();
    host_.lost(now);
}

bool GuestState::is_ours(const std::string& session, TimePoint now) {
    if (host_session_.empty() || session != host_session_) {
        ++foreign_orders_;
        return false;
    }
    host_.heard(now);
    return true;
}

void GuestState::host_lease(const LeaseRenewal& lease, TimePoint now) {
    if (is_ours(lease.session, now)) host_.renewed(lease.lease, now);
}

void GuestState::host_order(const Apply& apply, TimePoint now, Effects& effects) {
    if (!is_ours(apply.session, now)) return;
    host_.renewed(apply.lease, now);
    if (orders_.find(apply.op)) return orders_.give_again(apply.op);
    orders_.begin(order_for(apply, jvms_, paused_, os_), now, effects);
}

void GuestState::host_cancel(const Cancel& cancel, TimePoint now, Effects& effects) {
    if (!is_ours(cancel.session, now)) return;
    // An operation that is unknown or over needs no cancelling; its result has gone out or will.
    if (auto done = orders_.cancel(cancel.op, cancel.rest, now, effects); !done) orders_.give_again(cancel.op);
}

}  // namespace aerostat::guest
