#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host-controller/backend/backend.h"
#include "host-controller/virt/domain_xml.h"
#include "host-controller/virt/guest_channel.h"

namespace aerostat::host::virt {

/// One run of an active domain.
struct Domain {
    std::string uuid;
    std::string name;  ///< as guests are called
    int id = 0;        ///< libvirt's, another one after each start
    Result<DomainFacts> facts;
    std::unique_ptr<GuestChannel> channel;  ///< absent: it has none
    bool has_asked_for_stats = false;
    std::string measure_trouble;  ///< the last measurement's; empty if it went well
};

/// "domain:UUID".
[[nodiscard]] GuestId guest_id_of(const std::string& uuid);
/// Whether this can be one: the form only.
[[nodiscard]] bool is_domain_guest_id(std::string_view guest);

/// A domain's name as a name of ours: libvirt allows more letters and more of them.
[[nodiscard]] std::string guest_name_of(std::string_view domain_name);

/// Why its balloon may not be moved, with what to do about it; nothing if it may.
[[nodiscard]] std::optional<Error> why_no_balloon(const Domain& domain);

/// What is degraded about these domains, a sentence for each kind of trouble, naming a few of those that have it.
[[nodiscard]] std::vector<std::string> warnings_about(const std::vector<const Domain*>& domains);

}  // namespace aerostat::host::virt
