#include "host-controller/virt/connection.h"

#include <asio/post.hpp>

#include "host-controller/virt/handles.h"
#include "host-controller/virt/libvirt_calls.h"

namespace aerostat::host::virt {
namespace {

constexpr Duration kOpenWithin = std::chrono::seconds(10);
constexpr Duration kListWithin = std::chrono::seconds(10);
constexpr Duration kCallWithin = std::chrono::seconds(5);
const std::string kConnectionKey = "connection";

}  // namespace

// One connection while it lasts, with the domains' handles over it.
struct Connection::Link {
    ConnectionHandle connection;
    std::map<std::string, DomainHandle> domains;
};

Connection::Connection(asio::io_context& loop, std::string uri, daemon::CallPool& pool, Handlers handlers,
                       wire::Backoff backoff)
    : loop_(loop),
      uri_(std::move(uri)),
      pool_(pool),
      handlers_(std::move(handlers)),
      sink_(std::make_shared<EventSink>(
          loop, handlers_.on_event ? handlers_.on_event : [](const DomainEvent&) {})),
      retry_(loop, backoff) {}

Connection::~Connection() {
    *alive_ = false;
    sink_->close();
}

void Connection::start() { open(); }

void Connection::open() {
    pool_.call<OpenedConnection>(
        kConnectionKey, kOpenWithin,
        [uri = uri_, disposer = pool_.disposer(), sink = sink_] { return open_connection(uri, disposer, sink); },
        [this, alive = alive_](Result<OpenedConnection> connection) {
            if (!*alive) return;
            if (!connection) return opened(tl::unexpected(connection.error()));
            auto link = std::make_shared<Link>();
            link->connection = std::move(connection->handle);
            facts_ = std::move(connection->facts);
            opened(std::move(link));
        });
}

void Connection::opened(Result<std::shared_ptr<Link>> link) {
    if (!link) {
        trouble_ = link.error().message;
        return retry_.again([this] { open(); });
    }
    link_ = *std::move(link);
    trouble_.clear();
    retry_.reset();
    handlers_.on_open();
}

void Connection::lost(const Error& why) {
    link_.reset();
    trouble_ = why.message;
    retry_.again([this] { open(); });
    handlers_.on_lost(why);
}

// Passes an answer on; one that shows the connection dead ends it, unless it is already another one.
template <class T>
Connection::Answer<T> Connection::watched(Answer<T> answer) {
    return [this, alive = alive_, of = std::weak_ptr(link_), answer = std::move(answer)](Result<T> result) {
        if (!*alive) return;
        const auto link = of.lock();
        const bool is_dead = !result && result.error().code == ErrorCode::disconnected;
        // A copy, because the answer may destroy us and this closure with us.
        const std::shared_ptr<bool> still_there = alive;  // NOLINT(performance-unnecessary-copy-initialization)
        const Error why = is_dead ? result.error() : Error{};
        answer(std::move(result));
        if (is_dead && *still_there && link && link == link_) lost(why);
    };
}

template <class T>
void Connection::answer_later(Answer<T> answer, Error why) {
    asio::post(loop_, [alive = alive_, answer = std::move(answer), why = std::move(why)] {
        if (*alive) answer(tl::unexpected(why));
    });
}

bool Connection::is_busy() const { return pool_.is_busy(kConnectionKey); }

void Connection::list(Known known, Answer<std::vector<ActiveDomain>> answer) {
    if (!link_) return answer_later(std::move(answer), {ErrorCode::disconnected, trouble_});
    auto take = [this, of = std::weak_ptr(link_), answer = std::move(answer)](Result<std::vector<ListedDomain>> listed) {
        const auto link = of.lock();
        if (!listed) {
            const bool is_silent = listed.error().code == ErrorCode::timed_out;
            if (link) trouble_ = (is_silent ? "listing domains: " : "") + listed.error().message;
            return answer(tl::unexpected(listed.error()));
        }
        if (!link) return answer(fail(ErrorCode::disconnected, trouble_));  // of a connection that is gone
        trouble_.clear();
        std::vector<ActiveDomain> domains;
        std::map<std::string, DomainHandle> handles;
        for (ListedDomain& domain : *listed) {
            handles[domain.domain.uuid] = std::move(domain.handle);
            domains.push_back(std::move(domain.domain));
        }
        link->domains = std::move(handles);
        answer(std::move(domains));
    };
    pool_.call<std::vector<ListedDomain>>(
        kConnectionKey, kListWithin,
        [connection = link_->connection, known = std::move(known)] { return list_active(connection, known); },
        watched<std::vector<ListedDomain>>(std::move(take)));
}

template <class T, class Call>
void Connection::ask_domain(const std::string& uuid, Call call, Answer<T> answer) {
    if (!link_) return answer_later(std::move(answer), {ErrorCode::disconnected, trouble_});
    const auto domain = link_->domains.find(uuid);
    if (domain == link_->domains.end())
        return answer_later(std::move(answer), {ErrorCode::not_found, "libvirt lists no active domain " + uuid});
    pool_.call<T>(
        uuid, kCallWithin, [handle = domain->second, call = std::move(call)] { return call(handle); },
        watched<T>(std::move(answer)));
}

void Connection::xml(const std::string& uuid, Answer<std::string> answer) {
    ask_domain<std::string>(uuid, read_xml, std::move(answer));
}

void Connection::is_moving(const std::string& uuid, Answer<bool> answer) {
    ask_domain<bool>(uuid, read_whether_moving, std::move(answer));
}

void Connection::memory_stats(const std::string& uuid, Answer<MemoryStats> answer) {
    ask_domain<MemoryStats>(uuid, read_memory_stats, std::move(answer));
}

void Connection::set_memory(const std::string& uuid, Bytes actual, Answer<void> answer) {
    ask_domain<void>(
        uuid, [actual](const DomainHandle& domain) { return order_memory(domain, actual); }, std::move(answer));
}

void Connection::set_stats_period(const std::string& uuid, std::chrono::seconds period, Answer<void> answer) {
    ask_domain<void>(
        uuid, [period](const DomainHandle& domain) { return order_stats_period(domain, period); }, std::move(answer));
}

}  // namespace aerostat::host::virt
