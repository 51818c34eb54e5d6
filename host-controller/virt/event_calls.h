#pragma once

#include <optional>
#include <string>
#include <vector>

#include <libvirt/libvirt.h>

#include "host-controller/virt/domain_event.h"

// libvirt's events, made ours.
namespace aerostat::host::virt {

/// What a connection tells of itself.
struct Subscription {
    std::vector<int> callbacks;        ///< to be handed to unsubscribe() before the connection is closed
    std::vector<std::string> missing;  ///< events this libvirt, or its driver, does not have
};

/// Starts, once in this process, the thread that libvirt's events come on. Before the first connection is opened: those
/// opened earlier have none. The thread only reads sockets and posts; a call that hangs elsewhere does not stop it.
void start_event_thread();

/// Asks for all events that matter. Blocking. What this libvirt does not have is left out, and named.
[[nodiscard]] Subscription subscribe(virConnectPtr connection, const std::shared_ptr<EventSink>& sink);
void unsubscribe(virConnectPtr connection, const Subscription& subscription);

/// Absent: nothing we act on.
[[nodiscard]] std::optional<DomainEvent::Kind> lifecycle_kind(int event);
/// "guest memory, action inject, recursive": virDomainMemoryFailure*.
[[nodiscard]] std::string memory_failure_words(int recipient, int action, unsigned int flags);

}  // namespace aerostat::host::virt
