#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "host-controller/virt/connection.h"
#include "host-controller/virt/handles.h"

// The libvirt calls themselves. Blocking, each may hang: for the pool's threads only. Fail as libvirt_error.
namespace aerostat::host::virt {

struct ListedDomain {
    ActiveDomain domain;
    DomainHandle handle;
};

struct OpenedConnection {
    ConnectionHandle handle;
    LibvirtFacts facts;
};

/// With all its events going to `sink`.
[[nodiscard]] Result<OpenedConnection> open_connection(const std::string& uri,
                                                       const std::function<void(daemon::CallPool::Action)>& disposer,
                                                       const std::shared_ptr<EventSink>& sink);
/// A domain that ends while its XML is fetched is left out.
[[nodiscard]] Result<std::vector<ListedDomain>> list_active(const ConnectionHandle& connection,
                                                            const Connection::Known& known);
[[nodiscard]] Result<MemoryStats> read_memory_stats(const DomainHandle& domain);
[[nodiscard]] Result<std::string> read_xml(const DomainHandle& domain);
/// Whether its memory is being copied away: a migration, a save, a dump.
[[nodiscard]] Result<bool> read_whether_moving(const DomainHandle& domain);
[[nodiscard]] Status order_memory(const DomainHandle& domain, Bytes actual);
[[nodiscard]] Status order_stats_period(const DomainHandle& domain, std::chrono::seconds period);

}  // namespace aerostat::host::virt
