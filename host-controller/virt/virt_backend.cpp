#include "host-controller/virt/virt_backend.h"

#include <map>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "host-controller/backend/measure_pool.h"
#include "host-controller/virt/connection.h"
#include "host-controller/virt/domain.h"
#include "host-controller/virt/examine.h"
#include "host-controller/virt/ram_gauges.h"

namespace aerostat::host::virt {
namespace {

constexpr Duration kListEvery = std::chrono::seconds(2);
constexpr Duration kMeasureWithin = std::chrono::seconds(5);
constexpr std::chrono::seconds kStatsPeriod{1};

// The errors OsBalloons promises; what else can go wrong on the way to libvirt is all the same to its callers.
Error as_promised(Error error) {
    switch (error.code) {
        case ErrorCode::unsupported:
        case ErrorCode::not_found:
        case ErrorCode::timed_out:
        case ErrorCode::bad_value:
            return error;
        case ErrorCode::busy:
            return {ErrorCode::timed_out, std::move(error.message)};
        default:
            return {ErrorCode::io, std::move(error.message)};
    }
}

}  // namespace

struct VirtBackend::Parts {
    Parts(asio::io_context& io, const std::string& uri, const Clock& time)
        : loop(io),
          clock(time),
          calls(io),
          connection(io, uri, calls,
                     {.on_open = [this] { list(); },
                      .on_lost = [](const Error&) {},
                      .on_event = [this](const DomainEvent& event) { take_event(event); }}),
          measuring(
              io, [gauges = gauges](const GuestId& guest) { return gauges->measure(guest); }, 2, kMeasureWithin),
          list_timer(io) {}
    ~Parts() { *alive = false; }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    void list_for_ever();
    void list();
    void take_event(const DomainEvent& event);
    void note_stopped(const GuestId& guest);
    void tell(const GuestId& guest, const std::string& words, GuestEvent::Kind kind = GuestEvent::Kind::life);
    void note_moving(const GuestId& guest, bool moving);
    void look_whether_moving(const GuestId& guest, const std::string& uuid);
    void read_again(const GuestId& guest, const std::string& uuid);
    void take(std::vector<ActiveDomain> active);
    void appear(ActiveDomain seen);
    void vanish(const GuestId& guest);
    std::unique_ptr<GuestChannel> open_channel(const GuestId& guest, const std::string& name, const std::string& path);
    Result<Domain*> with_balloon(const GuestId& guest);
    void switch_stats_on(const GuestId& guest, Domain& domain);

    [[nodiscard]] Domain* find(const GuestId& guest) {
        const auto known = domains.find(guest);
        return known == domains.end() ? nullptr : &known->second;
    }
    template <class T>
    void answer_later(std::function<void(T)> answer, T with) {
        asio::post(loop, [known = alive, answer = std::move(answer), with = std::move(with)] {
            if (*known) answer(with);
        });
    }

    asio::io_context& loop;
    const Clock& clock;
    Handlers handlers;
    std::map<GuestId, Domain> domains;
    std::shared_ptr<RamGauges> gauges = std::make_shared<RamGauges>();
    CallPool calls;
    Connection connection;
    MeasurePool measuring;
    asio::steady_timer list_timer;
    bool has_listed = false;
    bool quiet = false;      ///< nothing may be asked that could wait for a domain that is being started
    bool list_owed = false;  ///< something has changed since the listing that is under way, or could not be begun
    bool unlisted = false;   ///< a listing was wanted, and none has come that was begun since
    std::uint64_t malformed_of_gone = 0;
    std::uint64_t cut_off_of_gone = 0;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

void VirtBackend::Parts::list_for_ever() {
    list();
    for (const auto& [guest, domain] : domains) {
        if (domain.moving) look_whether_moving(guest, domain.uuid);
    }
    list_timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(kListEvery));
    list_timer.async_wait([this, known = alive](asio::error_code error) {
        if (!error && *known) list_for_ever();
    });
}

void VirtBackend::Parts::list() {
    if (!connection.is_open()) return;
    unlisted = true;
    if ((quiet && has_listed) || connection.is_busy()) {
        list_owed = true;
        return;
    }
    list_owed = false;
    Connection::Known runs;
    for (const auto& [guest, domain] : domains) runs[domain.uuid] = domain.id;
    connection.list(std::move(runs), [this](Result<std::vector<ActiveDomain>> active) {
        if (active) {
            unlisted = list_owed;
            take(*std::move(active));
        }
        if (list_owed) list();
    });
}

// The listing says who is there; an event only says when to look, and what must not wait for it.
void VirtBackend::Parts::take_event(const DomainEvent& event) {
    using Kind = DomainEvent::Kind;
    const GuestId guest = guest_id_of(event.uuid);
    Domain* domain = find(guest);
    switch (event.kind) {
        case Kind::started:
            list();
            return;
        case Kind::stopped:
            note_stopped(guest);
            list();
            return;
        case Kind::suspended:
            if (domain) domain->state = RunState::suspended;
            return tell(guest, "suspended");
        case Kind::resumed:
            if (domain) domain->state = RunState::running;
            return tell(guest, "resumed");
        case Kind::rebooted:
            return tell(guest, "rebooted", GuestEvent::Kind::rebooted);
        case Kind::crashed:
            if (domain) domain->state = RunState::crashed;
            return tell(guest, "crashed");
        case Kind::moving:
            return note_moving(guest, true);
        case Kind::job_ended:
            if (domain) look_whether_moving(guest, domain->uuid);
            return;
        case Kind::hardware_changed:
            if (domain) read_again(guest, domain->uuid);
            return tell(guest, "its devices or its memory changed", GuestEvent::Kind::refitted);
        case Kind::agent_changed:
            return tell(guest, "agent " + event.detail);
        case Kind::balloon_changed:
            if (domain && handlers.on_event) handlers.on_event(guest, {GuestEvent::Kind::balloon, {}, event.actual});
            return;
        case Kind::memory_failed:
            if (domain && handlers.on_event) handlers.on_event(guest, {GuestEvent::Kind::memory_failed, event.detail, {}});
            return;
    }
}

// Its memory counts as free as soon as its QEMU is gone. Told once, whether an event or a listing shows it first.
void VirtBackend::Parts::note_stopped(const GuestId& guest) {
    gauges->note_inactive(guest);
    Domain* domain = find(guest);
    if (domain && !std::exchange(domain->stopped, true)) tell(guest, "stopped");
}

void VirtBackend::Parts::tell(const GuestId& guest, const std::string& words, GuestEvent::Kind kind) {
    if (find(guest) && handlers.on_event) handlers.on_event(guest, {kind, words, {}});
}

void VirtBackend::Parts::note_moving(const GuestId& guest, bool moving) {
    Domain* domain = find(guest);
    if (!domain || std::exchange(domain->moving, moving) == moving) return;
    tell(guest, moving ? "its memory is being copied" : "its memory is no longer being copied");
}

void VirtBackend::Parts::look_whether_moving(const GuestId& guest, const std::string& uuid) {
    connection.is_moving(uuid, [this, guest](const Result<bool>& moving) {
        if (moving) note_moving(guest, *moving);
    });
}

void VirtBackend::Parts::read_again(const GuestId& guest, const std::string& uuid) {
    connection.xml(uuid, [this, guest](const Result<std::string>& xml) {
        Domain* domain = find(guest);
        auto facts = xml ? parse_domain_xml(*xml) : Result<DomainFacts>(tl::unexpected(xml.error()));
        if (!domain || !facts) return;
        if (!domain->facts || domain->facts->maximum != facts->maximum)
            gauges->follow(guest, domain->uuid, {facts->maximum, facts->numa_cells});
        domain->facts = *std::move(facts);
        tell(guest, "its devices and its memory were looked at again");
    });
}

void VirtBackend::Parts::take(std::vector<ActiveDomain> active) {
    has_listed = true;
    std::map<GuestId, int> runs;
    for (const ActiveDomain& domain : active) runs[guest_id_of(domain.uuid)] = domain.id;
    std::vector<GuestId> gone;
    for (const auto& [guest, domain] : domains) {
        const auto run = runs.find(guest);
        if (run == runs.end() || run->second != domain.id) gone.push_back(guest);
    }
    for (const GuestId& guest : gone) vanish(guest);
    for (ActiveDomain& domain : active) {
        if (Domain* known = find(guest_id_of(domain.uuid)))
            known->state = domain.state;
        else if (domain.xml)
            appear(std::move(domain));
    }
}

void VirtBackend::Parts::appear(ActiveDomain seen) {
    const GuestId guest = guest_id_of(seen.uuid);
    auto facts = parse_domain_xml(*seen.xml);
    const std::string name = guest_name_of(seen.name);
    RamShape shape;
    if (facts) shape = {facts->maximum, facts->numa_cells};
    gauges->follow(guest, seen.uuid, std::move(shape));
    Domain domain{seen.uuid, name, seen.id, std::move(facts), nullptr, false, {}, seen.state};
    if (domain.facts && domain.facts->channel) domain.channel = open_channel(guest, name, *domain.facts->channel);
    domains.insert_or_assign(guest, std::move(domain));
    look_whether_moving(guest, seen.uuid);
    handlers.on_seen(guest, name);
}

void VirtBackend::Parts::vanish(const GuestId& guest) {
    note_stopped(guest);
    const auto channel = std::move(domains.at(guest).channel);
    domains.erase(guest);
    if (!channel) return;
    malformed_of_gone += channel->malformed_lines();
    cut_off_of_gone += channel->cut_off();
    if (channel->is_joined()) handlers.on_lost(guest, Error{ErrorCode::disconnected, "the domain is no longer active"});
}

std::unique_ptr<GuestChannel> VirtBackend::Parts::open_channel(const GuestId& guest, const std::string& name,
                                                               const std::string& path) {
    GuestChannel::Handlers to_us;
    // Another domain's name is none the guest could claim: it goes by its own, whatever it says.
    to_us.on_join = [this, guest, name](const Hello&) { return handlers.on_join(guest, name, 0); };
    to_us.on_joined = [this, guest] { handlers.on_joined(guest); };
    to_us.on_message = [this, guest](Message message) { handlers.on_message(guest, std::move(message)); };
    to_us.on_lost = [this, guest](const Error& why) { handlers.on_lost(guest, why); };
    to_us.on_refused = [this, name](const std::string& why) { handlers.on_refused("domain " + name + ": " + why); };
    auto channel = std::make_unique<GuestChannel>(loop, path, std::move(to_us), clock);
    channel->start();
    return channel;
}

Result<Domain*> VirtBackend::Parts::with_balloon(const GuestId& guest) {
    Domain* domain = find(guest);
    if (!domain) return fail(ErrorCode::not_found, "no active domain " + guest);
    if (const auto why = why_no_balloon(*domain)) return while_doing("domain " + domain->name, *why);
    return domain;
}

// Without them nobody knows what the guest can spare. Tried again at the next look if it did not get through.
void VirtBackend::Parts::switch_stats_on(const GuestId& guest, Domain& domain) {
    if (domain.facts->stats_period.count() != 0 || domain.has_asked_for_stats) return;
    domain.has_asked_for_stats = true;
    connection.set_stats_period(domain.uuid, kStatsPeriod, [this, guest](const Status& done) {
        const bool was_cut = !done && (done.error().code == ErrorCode::disconnected ||
                                       done.error().code == ErrorCode::timed_out || done.error().code == ErrorCode::busy);
        if (Domain* asked = find(guest); asked && was_cut) asked->has_asked_for_stats = false;
    });
}

VirtBackend::VirtBackend(asio::io_context& loop, const std::string& uri, const Clock& clock)
    : parts_(std::make_unique<Parts>(loop, uri, clock)) {}

VirtBackend::~VirtBackend() = default;

Status VirtBackend::open(Handlers handlers) {
    parts_->handlers = std::move(handlers);
    parts_->connection.start();
    parts_->list_for_ever();
    return {};
}

bool VirtBackend::send(const GuestId& guest, Message message) {
    Domain* domain = parts_->find(guest);
    return domain && domain->channel && domain->channel->send(std::move(message));
}

void VirtBackend::measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) {
    if (!parts_->has_listed) {
        const Error why{ErrorCode::disconnected, "libvirt has not told yet which domains there are"};
        return parts_->answer_later<Result<GuestResidency>>(std::move(answer), tl::unexpected(why));
    }
    parts_->measuring.ask(guest, [parts = parts_.get(), guest, answer = std::move(answer)](Result<GuestResidency> seen) {
        if (Domain* domain = parts->find(guest)) domain->measure_trouble = seen ? "" : seen.error().message;
        answer(std::move(seen));
    });
}

bool VirtBackend::is_measuring(const GuestId& guest) const { return parts_->measuring.is_busy(guest); }

bool VirtBackend::knows_identity(const GuestId& guest) const { return is_domain_guest_id(guest); }

std::string VirtBackend::why_left_alone(const GuestId& guest) const {
    const Domain* domain = parts_->find(guest);
    return domain ? virt::why_left_alone(*domain) : std::string();
}

void VirtBackend::keep_quiet(bool quiet) {
    parts_->quiet = quiet;
    if (!quiet && parts_->list_owed) parts_->list();
}

bool VirtBackend::events_flow() const { return parts_->connection.is_open(); }

bool VirtBackend::has_listed() const { return parts_->has_listed; }

bool VirtBackend::owes_listing() const { return parts_->unlisted; }

EventSink& VirtBackend::events() { return parts_->connection.events(); }

void VirtBackend::look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) {
    const auto found = parts_->with_balloon(guest);
    if (!found) return parts_->answer_later<Result<OsBalloon>>(std::move(answer), tl::unexpected(found.error()));
    Domain& domain = **found;
    parts_->switch_stats_on(guest, domain);
    parts_->connection.memory_stats(
        domain.uuid, [parts = parts_.get(), guest, answer = std::move(answer)](const Result<MemoryStats>& stats) {
            if (!stats) return answer(tl::unexpected(as_promised(stats.error())));
            Domain* looked_at = parts->find(guest);
            if (looked_at && looked_at->facts && std::exchange(looked_at->facts->maximum, stats->maximum) != stats->maximum)
                parts->tell(guest, "its memory changed", GuestEvent::Kind::refitted);  // plugged in since it started
            answer(OsBalloon{stats->maximum, stats->actual, stats->usable, stats->usable_age, true});
        });
}

void VirtBackend::set_target(const GuestId& guest, Bytes actual, std::function<void(Status)> answer) {
    const auto found = parts_->with_balloon(guest);
    if (!found) return parts_->answer_later<Status>(std::move(answer), tl::unexpected(found.error()));
    const Domain& domain = **found;
    if (actual > domain.facts->maximum) {
        const Error why{ErrorCode::bad_value, "domain " + domain.name + " has " + format_bytes(domain.facts->maximum) +
                                                  "; it cannot be left " + format_bytes(actual)};
        return parts_->answer_later<Status>(std::move(answer), tl::unexpected(why));
    }
    parts_->connection.set_memory(domain.uuid, actual, [answer = std::move(answer)](const Status& done) {
        answer(done ? done : Status(tl::unexpected(as_promised(done.error()))));
    });
}

std::vector<Finding> VirtBackend::examine(const std::function<bool(const std::string&)>& managed) const {
    const Connection& connection = parts_->connection;
    std::vector<Finding> findings = examine_libvirt(connection.uri(), connection.trouble(), connection.facts());
    for (const auto& [guest, domain] : parts_->domains) {
        if (!managed(domain.name)) continue;
        for (Finding& finding : examine_domain(domain)) findings.push_back(std::move(finding));
    }
    return findings;
}

std::vector<std::string> VirtBackend::warnings() const {
    std::vector<std::string> sentences;
    if (const std::string& trouble = parts_->connection.trouble(); !trouble.empty())
        sentences.push_back("libvirt at " + parts_->connection.uri() + ": " + trouble);
    std::vector<const Domain*> all;
    for (const auto& [guest, domain] : parts_->domains) all.push_back(&domain);
    for (std::string& sentence : warnings_about(all)) sentences.push_back(std::move(sentence));
    return sentences;
}

std::uint64_t VirtBackend::malformed_lines() const {
    std::uint64_t total = parts_->malformed_of_gone;
    for (const auto& [guest, domain] : parts_->domains) total += domain.channel ? domain.channel->malformed_lines() : 0;
    return total;
}

std::uint64_t VirtBackend::peers_cut_off() const {
    std::uint64_t total = parts_->cut_off_of_gone;
    for (const auto& [guest, domain] : parts_->domains) total += domain.channel ? domain.channel->cut_off() : 0;
    return total;
}

}  // namespace aerostat::host::virt
