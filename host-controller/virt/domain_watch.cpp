#include "host-controller/virt/domain_watch.h"

namespace aerostat::host::virt {

void DomainWatch::take(const DomainEvent& event) {
    using Kind = DomainEvent::Kind;
    const GuestId guest = guest_id_of(event.uuid);
    const bool is_heard = roster_.find(guest) && handlers_.on_event;
    switch (event.kind) {
        case Kind::started:
            return roster_.list();
        case Kind::stopped:
            roster_.note_stopped(guest);
            return roster_.list();
        case Kind::suspended:
            return note_suspended(guest);
        case Kind::resumed:
            return note_state(guest, RunState::running, "resumed");
        case Kind::rebooted:
            return roster_.tell(guest, "rebooted", GuestEvent::Kind::rebooted);
        case Kind::crashed:
            return note_state(guest, RunState::crashed, "crashed");
        case Kind::moving:
            return note_moving(guest, true);
        case Kind::job_ended:
            if (const Domain* domain = roster_.find(guest)) look_whether_moving(guest, domain->uuid);
            return;
        case Kind::hardware_changed:
            read_again(guest);
            return roster_.tell(guest, "its devices or its memory changed", GuestEvent::Kind::refitted);
        case Kind::agent_changed:
            return roster_.tell(guest, "agent " + event.detail);
        case Kind::balloon_changed:
            if (is_heard) handlers_.on_event(guest, {GuestEvent::Kind::balloon, {}, event.actual});
            return;
        case Kind::memory_failed:
            if (is_heard) handlers_.on_event(guest, {GuestEvent::Kind::memory_failed, event.detail, {}});
            return;
    }
}

void DomainWatch::look_whether_moving(const GuestId& guest, const std::string& uuid) {
    connection_.is_moving(uuid, [this, guest](const Result<bool>& moving) {
        if (moving) note_moving(guest, *moving);
    });
}

void DomainWatch::look_at_moving() {
    for (const auto& [guest, domain] : roster_.domains()) {
        if (domain.moving) look_whether_moving(guest, domain.uuid);
    }
}

void DomainWatch::note_moving(const GuestId& guest, bool moving) {
    Domain* domain = roster_.find(guest);
    if (!domain || std::exchange(domain->moving, moving) == moving) return;
    roster_.tell(guest, moving ? "its memory is being copied" : "its memory is no longer being copied");
}

void DomainWatch::note_state(const GuestId& guest, RunState state, const std::string& words) {
    if (Domain* domain = roster_.find(guest)) domain->state = state;
    roster_.tell(guest, words);
}

// Of a domain that aerostat-punch stops now and then this word may be of any stop, and as late as it likes: a listing tells.
void DomainWatch::note_suspended(const GuestId& guest) {
    const Domain* domain = roster_.find(guest);
    if (!domain || !domain->needs_no_driver) return note_state(guest, RunState::suspended, "suspended");
    if (!domain->stopped_by_us) roster_.list();
}

void DomainWatch::read_again(const GuestId& guest) {
    const Domain* domain = roster_.find(guest);
    if (!domain) return;
    connection_.xml(domain->uuid, [this, guest](const Result<std::string>& xml) {
        auto facts = xml ? parse_domain_xml(*xml) : Result<DomainFacts>(tl::unexpected(xml.error()));
        if (facts) roster_.refit(guest, *std::move(facts));
    });
}

}  // namespace aerostat::host::virt
