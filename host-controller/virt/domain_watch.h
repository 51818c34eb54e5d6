#pragma once

#include <string>

#include "host-controller/virt/domain_roster.h"

namespace aerostat::host::virt {

/// What happens to domains between listings, by libvirt's events. The listing says who is there; an event only says when to
/// look, and what must not wait for it.
/// Thread: the io_context's. Roster and connection outlive it.
class DomainWatch {
public:
    DomainWatch(DomainRoster& roster, Connection& connection, const Backend::Handlers& handlers)
        : roster_(roster), connection_(connection), handlers_(handlers) {}

    void take(const DomainEvent& event);
    /// Whether its memory is being copied away: found out, and told when it changes.
    void look_whether_moving(const GuestId& guest, const std::string& uuid);
    /// Again for those of which it is said: the word that it is over may have been lost.
    void look_at_moving();

private:
    void note_moving(const GuestId& guest, bool moving);
    void note_state(const GuestId& guest, RunState state, const std::string& words);
    void note_suspended(const GuestId& guest);
    void read_again(const GuestId& guest);

    DomainRoster& roster_;
    Connection& connection_;
    const Backend::Handlers& handlers_;
};

}  // namespace aerostat::host::virt
