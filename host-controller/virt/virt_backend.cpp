#include "host-controller/virt/virt_backend.h"

#include <map>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "host-controller/backend/measure_pool.h"
#include "host-controller/virt/connection.h"
#include "host-controller/virt/domain.h"
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
          connection(io, uri, calls, {.on_open = [this] { list(); }, .on_lost = [](const Error&) {}}),
          measuring(
              io, [gauges = gauges](const GuestId& guest) { return gauges->measure(guest); }, 2, kMeasureWithin),
          list_timer(io) {}
    ~Parts() { *alive = false; }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    void list_for_ever();
    void list();
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
    std::uint64_t malformed_of_gone = 0;
    std::uint64_t cut_off_of_gone = 0;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

void VirtBackend::Parts::list_for_ever() {
    list();
    list_timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(kListEvery));
    list_timer.async_wait([this, known = alive](asio::error_code error) {
        if (!error && *known) list_for_ever();
    });
}

void VirtBackend::Parts::list() {
    if (!connection.is_open() || connection.is_busy()) return;
    Connection::Known runs;
    for (const auto& [guest, domain] : domains) runs[domain.uuid] = domain.id;
    connection.list(std::move(runs), [this](Result<std::vector<ActiveDomain>> active) {
        if (active) take(*std::move(active));
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
        if (domain.xml && !domains.contains(guest_id_of(domain.uuid))) appear(std::move(domain));
    }
}

void VirtBackend::Parts::appear(ActiveDomain seen) {
    const GuestId guest = guest_id_of(seen.uuid);
    auto facts = parse_domain_xml(*seen.xml);
    const std::string name = guest_name_of(seen.name);
    RamShape shape;
    if (facts) shape = {facts->maximum, facts->numa_cells};
    gauges->follow(guest, seen.uuid, std::move(shape));
    Domain domain{seen.uuid, name, seen.id, std::move(facts), nullptr, false, {}};
    if (domain.facts && domain.facts->channel) domain.channel = open_channel(guest, name, *domain.facts->channel);
    domains.insert_or_assign(guest, std::move(domain));
    handlers.on_seen(guest, name);
}

void VirtBackend::Parts::vanish(const GuestId& guest) {
    const auto channel = std::move(domains.at(guest).channel);
    domains.erase(guest);
    gauges->note_inactive(guest);
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

void VirtBackend::look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) {
    const auto found = parts_->with_balloon(guest);
    if (!found) return parts_->answer_later<Result<OsBalloon>>(std::move(answer), tl::unexpected(found.error()));
    Domain& domain = **found;
    parts_->switch_stats_on(guest, domain);
    parts_->connection.memory_stats(
        domain.uuid, [parts = parts_.get(), guest, answer = std::move(answer)](const Result<MemoryStats>& stats) {
            if (!stats) return answer(tl::unexpected(as_promised(stats.error())));
            if (Domain* looked_at = parts->find(guest); looked_at && looked_at->facts)
                looked_at->facts->maximum = stats->maximum;  // memory may have been plugged in since it started
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
