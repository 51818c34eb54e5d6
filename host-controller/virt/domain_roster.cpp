#include "host-controller/virt/domain_roster.h"

namespace aerostat::host::virt {

void DomainRoster::list() {
    if (!ports_.connection.is_open()) return;
    unlisted_ = true;
    if ((quiet_ && has_listed_) || ports_.connection.is_busy()) {
        list_owed_ = true;
        return;
    }
    list_owed_ = false;
    Connection::Known runs;
    for (const auto& [guest, domain] : domains_) runs[domain.uuid] = domain.id;
    ports_.connection.list(std::move(runs), [this](Result<std::vector<ActiveDomain>> active) {
        if (active) {
            unlisted_ = list_owed_;
            take(*std::move(active));
        }
        if (list_owed_) list();
    });
}

void DomainRoster::keep_quiet(bool quiet) {
    quiet_ = quiet;
    if (!quiet && list_owed_) list();
}

void DomainRoster::note_stopped(const GuestId& guest) {
    gauges_->note_inactive(guest);
    Domain* domain = find(guest);
    if (domain && !std::exchange(domain->stopped, true)) tell(guest, "stopped");
}

void DomainRoster::tell(const GuestId& guest, const std::string& words, GuestEvent::Kind kind) const {
    if (domains_.contains(guest) && ports_.handlers.on_event) ports_.handlers.on_event(guest, {kind, words, {}});
}

void DomainRoster::refit(const GuestId& guest, DomainFacts facts) {
    Domain* domain = find(guest);
    if (!domain) return;
    if (!domain->facts || domain->facts->maximum != facts.maximum)
        gauges_->follow(guest, domain->uuid, {facts.maximum, facts.numa_cells});
    const std::optional<std::string> before = domain->facts ? domain->facts->channel : std::nullopt;
    const bool was_replugged = facts.channel != before;
    domain->facts = std::move(facts);
    if (was_replugged) follow_channel(guest, *domain);
    tell(guest, "its devices and its memory were looked at again");
}

Domain* DomainRoster::find(const GuestId& guest) {
    const auto known = domains_.find(guest);
    return known == domains_.end() ? nullptr : &as_wanted(known->second);
}

const std::map<GuestId, Domain>& DomainRoster::domains() {
    for (auto& [guest, domain] : domains_) as_wanted(domain);
    return domains_;
}

// Operators may change it at any time.
Domain& DomainRoster::as_wanted(Domain& domain) const {
    const auto& wanted = ports_.handlers.needs_no_driver;
    domain.needs_no_driver = wanted && wanted(domain.name);
    const auto& by_us = ports_.handlers.is_stopped_by_us;
    domain.stopped_by_us = by_us && by_us(guest_id_of(domain.uuid));
    return domain;
}

std::uint64_t DomainRoster::malformed_lines() const {
    std::uint64_t total = malformed_of_gone_;
    for (const auto& [guest, domain] : domains_) total += domain.channel ? domain.channel->malformed_lines() : 0;
    return total;
}

std::uint64_t DomainRoster::peers_cut_off() const {
    std::uint64_t total = cut_off_of_gone_;
    for (const auto& [guest, domain] : domains_) total += domain.channel ? domain.channel->cut_off() : 0;
    return total;
}

void DomainRoster::take(std::vector<ActiveDomain> active) {
    has_listed_ = true;
    std::map<GuestId, int> runs;
    for (const ActiveDomain& domain : active) runs[guest_id_of(domain.uuid)] = domain.id;
    std::vector<GuestId> gone;
    for (const auto& [guest, domain] : domains_) {
        const auto run = runs.find(guest);
        if (run == runs.end() || run->second != domain.id) gone.push_back(guest);
    }
    for (const GuestId& guest : gone) vanish(guest);
    for (ActiveDomain& domain : active) {
        if (Domain* known = find(guest_id_of(domain.uuid)))
            note_listed(guest_id_of(domain.uuid), *known, domain.state);
        else if (domain.xml)
            appear(std::move(domain));
    }
}

// A listing may have read a stop of ours and come when that is over: the next one tells what is true.
void DomainRoster::note_listed(const GuestId& guest, Domain& domain, RunState state) const {
    const bool suspended = state == RunState::suspended;
    if (suspended && domain.stopped_by_us) return;
    const bool is_news = std::exchange(domain.state, state) != state;
    if (suspended && is_news) tell(guest, "suspended");
}

void DomainRoster::appear(ActiveDomain seen) {
    const GuestId guest = guest_id_of(seen.uuid);
    auto facts = parse_domain_xml(*seen.xml);
    const std::string name = guest_name_of(seen.name);
    RamShape shape;
    if (facts) shape = {facts->maximum, facts->numa_cells};
    gauges_->follow(guest, seen.uuid, std::move(shape));
    Domain domain{seen.uuid, name, seen.id, std::move(facts), nullptr, false, {}, seen.state};
    if (domain.facts && domain.facts->channel) domain.channel = open_channel(guest, name, *domain.facts->channel);
    const auto [place, inserted] = domains_.insert_or_assign(guest, std::move(domain));
    ports_.on_appear(guest, place->second);
    ports_.handlers.on_seen(guest, name);
    if (place->second.facts && ports_.handlers.on_event)
        ports_.handlers.on_event(guest, {GuestEvent::Kind::appeared, {}, place->second.facts->at_start});
}

void DomainRoster::vanish(const GuestId& guest) {
    note_stopped(guest);
    const auto channel = std::move(domains_.at(guest).channel);
    domains_.erase(guest);
    if (channel) count_out(guest, *channel, "the domain is no longer active");
}

void DomainRoster::count_out(const GuestId& guest, const GuestChannel& channel, const char* why) {
    malformed_of_gone_ += channel.malformed_lines();
    cut_off_of_gone_ += channel.cut_off();
    if (channel.is_joined()) ports_.handlers.on_lost(guest, Error{ErrorCode::disconnected, why});
}

// It can be plugged in and out while the domain runs.
void DomainRoster::follow_channel(const GuestId& guest, Domain& domain) {
    const auto before = std::exchange(domain.channel, nullptr);
    if (domain.facts && domain.facts->channel) domain.channel = open_channel(guest, domain.name, *domain.facts->channel);
    if (before) count_out(guest, *before, "its channel was unplugged");
}

std::unique_ptr<GuestChannel> DomainRoster::open_channel(const GuestId& guest, const std::string& name,
                                                         const std::string& path) const {
    const Backend::Handlers& handlers = ports_.handlers;
    GuestChannel::Handlers to_us;
    // Another domain's name is none the guest could claim: it goes by its own, whatever it says.
    to_us.on_join = [&handlers, guest, name](const Hello&) { return handlers.on_join(guest, name, 0); };
    to_us.on_joined = [&handlers, guest] { handlers.on_joined(guest); };
    to_us.on_message = [&handlers, guest](Message message) { handlers.on_message(guest, std::move(message)); };
    to_us.on_lost = [&handlers, guest](const Error& why) { handlers.on_lost(guest, why); };
    to_us.on_refused = [&handlers, name](const std::string& why) { handlers.on_refused("domain " + name + ": " + why); };
    auto channel = std::make_unique<GuestChannel>(ports_.loop, path, std::move(to_us), ports_.clock);
    channel->start();
    return channel;
}

}  // namespace aerostat::host::virt
