#include "host-controller/virt/handles.h"

#include "contract/names.h"

namespace aerostat::host::virt {
namespace {

ErrorCode code_of(int libvirt_code) {
    switch (libvirt_code) {
        case VIR_ERR_NO_DOMAIN:
        case VIR_ERR_OPERATION_INVALID:  // "domain is not running": only active ones are asked about
            return ErrorCode::not_found;
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_CONFIG_UNSUPPORTED:
        case VIR_ERR_OPERATION_UNSUPPORTED:
        case VIR_ERR_ARGUMENT_UNSUPPORTED:
            return ErrorCode::unsupported;
        case VIR_ERR_INVALID_ARG:
            return ErrorCode::bad_value;
        case VIR_ERR_OPERATION_TIMEOUT:  // another call holds the domain
            return ErrorCode::timed_out;
        case VIR_ERR_OPERATION_DENIED:
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
            return ErrorCode::denied;
        case VIR_ERR_NO_CONNECT:
        case VIR_ERR_INVALID_CONN:
            return ErrorCode::disconnected;
        default:
            return ErrorCode::io;
    }
}

}  // namespace

ConnectionHandle own(virConnectPtr connection, std::function<void(daemon::CallPool::Action)> disposer,
                     Subscription subscription) {
    return {connection, [disposer = std::move(disposer), subscription = std::move(subscription)](virConnectPtr last) {
                disposer([last, subscription] {
                    unsubscribe(last, subscription);
                    virConnectClose(last);
                });
            }};
}

DomainHandle own(virDomainPtr domain, ConnectionHandle connection) {
    return {domain, [connection = std::move(connection)](virDomainPtr last) { virDomainFree(last); }};
}

void prepare_libvirt() {
    [[maybe_unused]] static const int once = [] {
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        const int done = virInitialize();
        start_event_thread();
        return done;
    }();
}

Error libvirt_error(const std::string& doing, virConnectPtr connection) {
    // Read first: asking whether the connection lives forgets it.
    const virErrorPtr last = virGetLastError();
    Error error{ErrorCode::io, doing + ": libvirt does not say why"};
    bool is_dead = false;
    if (last && last->code != VIR_ERR_OK) {
        error = {code_of(last->code), doing + ": " + printable(last->message ? last->message : "", 300)};
        is_dead = last->domain == VIR_FROM_RPC;  // the link to the daemon itself, not what the daemon answered
    }
    if (is_dead || (connection && virConnectIsAlive(connection) != 1)) error.code = ErrorCode::disconnected;
    return error;
}

}  // namespace aerostat::host::virt
