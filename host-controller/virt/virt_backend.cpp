#include "host-controller/virt/virt_backend.h"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "host-controller/backend/measure_pool.h"
#include "host-controller/virt/connection.h"
#include "host-controller/virt/domain_watch.h"
#include "host-controller/virt/examine.h"

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

std::string warning_about(const daemon::CallPool::Stuck& stuck) {
    const std::string begin = "libvirt does not return from " + std::to_string(stuck.calls) + " calls; ";
    return begin + (stuck.at_limit ? "no more can be made until some do: restart libvirtd, or end the domains that hang"
                                   : "the domains they are about are left alone until they do");
}

}  // namespace

struct VirtBackend::Parts {
    Parts(asio::io_context& io, const std::string& uri, const Clock& clock)
        : loop(io),
          calls(io),
          connection(io, uri, calls,
                     {.on_open = [this] { roster.list(); },
                      .on_lost = [](const Error&) {},
                      .on_event = [this](const DomainEvent& event) { watch.take(event); }}),
          roster({io, clock, connection, handlers,
                  [this](const GuestId& guest, const Domain& domain) { watch.look_whether_moving(guest, domain.uuid); }}),
          watch(roster, connection, handlers),
          measuring(
              io, [gauges = roster.gauges()](const GuestId& guest, Look) { return gauges->measure(guest); }, 2,
              kMeasureWithin),
          list_timer(io) {}
    ~Parts() { *alive = false; }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    void list_for_ever();
    Result<Domain*> with_balloon(const GuestId& guest);
    void switch_stats_on(const GuestId& guest, Domain& domain);

    template <class T>
    void answer_later(std::function<void(T)> answer, T with) {
        asio::post(loop, [known = alive, answer = std::move(answer), with = std::move(with)] {
            if (*known) answer(with);
        });
    }

    asio::io_context& loop;
    Handlers handlers;
    daemon::CallPool calls;
    Connection connection;
    DomainRoster roster;
    DomainWatch watch;
    MeasurePool measuring;
    asio::steady_timer list_timer;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

void VirtBackend::Parts::list_for_ever() {
    roster.list();
    watch.look_at_moving();
    list_timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(kListEvery));
    list_timer.async_wait([this, known = alive](asio::error_code error) {
        if (!error && *known) list_for_ever();
    });
}

Result<Domain*> VirtBackend::Parts::with_balloon(const GuestId& guest) {
    Domain* domain = roster.find(guest);
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
        if (Domain* asked = roster.find(guest); asked && was_cut) asked->has_asked_for_stats = false;
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
    Domain* domain = parts_->roster.find(guest);
    return domain && domain->channel && domain->channel->send(std::move(message));
}

void VirtBackend::measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) {
    if (!parts_->roster.has_listed()) {
        const Error why{ErrorCode::disconnected, "libvirt has not told yet which domains there are"};
        return parts_->answer_later<Result<GuestResidency>>(std::move(answer), tl::unexpected(why));
    }
    parts_->measuring.ask(guest, [parts = parts_.get(), guest, answer = std::move(answer)](Result<GuestResidency> seen) {
        if (Domain* domain = parts->roster.find(guest)) domain->measure_trouble = seen ? "" : seen.error().message;
        answer(std::move(seen));
    });
}

bool VirtBackend::is_measuring(const GuestId& guest) const { return parts_->measuring.is_busy(guest); }

bool VirtBackend::knows_identity(const GuestId& guest) const { return is_domain_guest_id(guest); }

std::optional<Bytes> VirtBackend::most_of(const GuestId& guest) const {
    const Domain* domain = parts_->roster.find(guest);
    return domain && domain->facts ? std::optional(domain->facts->maximum) : std::nullopt;
}

std::string VirtBackend::why_left_alone(const GuestId& guest) const {
    const Domain* domain = parts_->roster.find(guest);
    return domain ? virt::why_left_alone(*domain) : std::string();
}

std::optional<Bytes> VirtBackend::takeable_ram(const GuestId& guest) const {
    const Domain* domain = parts_->roster.find(guest);
    if (!domain || !domain->facts || !why_nothing_comes_back(*domain->facts, true).empty()) return std::nullopt;
    return domain->facts->maximum;
}

void VirtBackend::keep_quiet(bool quiet) { parts_->roster.keep_quiet(quiet); }

bool VirtBackend::events_flow() const { return parts_->connection.is_open(); }

bool VirtBackend::has_listed() const { return parts_->roster.has_listed(); }

bool VirtBackend::owes_listing() const { return parts_->roster.owes_listing(); }

EventSink& VirtBackend::events() { return parts_->connection.events(); }

void VirtBackend::look(const GuestId& guest, std::function<void(Result<OsBalloon>)> answer) {
    const auto found = parts_->with_balloon(guest);
    if (!found) return parts_->answer_later<Result<OsBalloon>>(std::move(answer), tl::unexpected(found.error()));
    Domain& domain = **found;
    parts_->switch_stats_on(guest, domain);
    parts_->connection.memory_stats(
        domain.uuid, [parts = parts_.get(), guest, answer = std::move(answer)](const Result<MemoryStats>& stats) {
            if (!stats) return answer(tl::unexpected(as_promised(stats.error())));
            Domain* looked_at = parts->roster.find(guest);
            if (looked_at && looked_at->facts && std::exchange(looked_at->facts->maximum, stats->maximum) != stats->maximum)
                parts->roster.tell(guest, "its memory changed", GuestEvent::Kind::refitted);  // plugged in since it started
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
    for (const auto& [guest, domain] : parts_->roster.domains()) {
        if (!managed(domain.name)) continue;
        for (Finding& finding : examine_domain(domain)) findings.push_back(std::move(finding));
    }
    return findings;
}

std::vector<std::string> VirtBackend::warnings() const {
    std::vector<std::string> sentences;
    if (const std::string& trouble = parts_->connection.trouble(); !trouble.empty())
        sentences.push_back("libvirt at " + parts_->connection.uri() + ": " + trouble);
    if (const daemon::CallPool::Stuck stuck = parts_->calls.stuck(); stuck.calls > 0)
        sentences.push_back(warning_about(stuck));
    std::vector<const Domain*> all;
    for (const auto& [guest, domain] : parts_->roster.domains()) all.push_back(&domain);
    for (std::string& sentence : warnings_about(all)) sentences.push_back(std::move(sentence));
    return sentences;
}

std::uint64_t VirtBackend::malformed_lines() const { return parts_->roster.malformed_lines(); }

std::uint64_t VirtBackend::peers_cut_off() const { return parts_->roster.peers_cut_off(); }

}  // namespace aerostat::host::virt
