#pragma once

#include <memory>
#include <string>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "contract/error.h"
#include "daemon/call_pool.h"
#include "host-controller/virt/event_calls.h"

// libvirt's objects with owners, and its errors as ours.
namespace aerostat::host::virt {

using ConnectionHandle = std::shared_ptr<virConnect>;
using DomainHandle = std::shared_ptr<virDomain>;

/// Takes the subscription back and closes, by way of `disposer`: both speak to the daemon and may hang, so they never happen
/// on the loop.
[[nodiscard]] ConnectionHandle own(virConnectPtr connection, std::function<void(daemon::CallPool::Action)> disposer,
                                   Subscription subscription = {});
/// Keeps the connection open as long as it lives, so that freeing the domain never is what closes it.
[[nodiscard]] DomainHandle own(virDomainPtr domain, ConnectionHandle connection);

/// Before the first connection: libvirt's errors are no longer printed to stderr, and the thread for its events runs.
/// No keepalive is asked for: the daemon is on this machine, where a dead one closes its socket. Against one that merely
/// hangs keepalive does harm: libvirt 9.0 leaves calls of other threads behind when it gives a connection up (seen with a
/// stopped libvirtd and two domains: one call returned only when it was let go on).
void prepare_libvirt();

/// The last libvirt call of this thread failed: why, in libvirt's words. `disconnected` if the connection is dead; else
/// `not_found` (also: not running any more), `unsupported`, `bad_value`, `timed_out`, `denied`, `io`.
[[nodiscard]] Error libvirt_error(const std::string& doing, virConnectPtr connection);

}  // namespace aerostat::host::virt
