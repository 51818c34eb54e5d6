#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host-controller/backend/backend.h"
#include "host-controller/virt/connection.h"
#include "host-controller/virt/domain_xml.h"
#include "host-controller/virt/guest_channel.h"
#include "host-controller/virt/guest_names.h"

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
    RunState state = RunState::running;
    bool stopped = false;          ///< though a listing has still to show it
    bool moving = false;           ///< its memory is being copied: a migration, a save
    bool needs_no_driver = false;  ///< memory is taken from it without its balloon driver
    bool stopped_by_us = false;    ///< suspended, it is for a moment only
};

/// Why nothing that its heaps give could come back to the host, with what to do about it; empty: it could.
/// `needs_no_driver`: it is taken without the guest's balloon driver.
[[nodiscard]] std::string why_nothing_comes_back(const DomainFacts& facts, bool needs_no_driver = false);
/// That, or what is happening to it now; empty: it may be ordered about.
[[nodiscard]] std::string why_left_alone(const Domain& domain);

/// Why its balloon may not be moved, with what to do about it; nothing if it may.
[[nodiscard]] std::optional<Error> why_no_balloon(const Domain& domain);

/// What is degraded about these domains, a sentence for each kind of trouble, naming a few of those that have it.
[[nodiscard]] std::vector<std::string> warnings_about(const std::vector<const Domain*>& domains);

}  // namespace aerostat::host::virt
