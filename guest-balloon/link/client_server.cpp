#include "guest-balloon/link/client_server.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "contract/names.h"
#include "guest-balloon/link/client_dialogue.h"

namespace aerostat::guest {
namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(200);

}  // namespace

ClientServer::ClientServer(asio::io_context& loop, ClientDoorBounds bounds, Handlers handlers, const Clock& clock)
    : loop_(loop), bounds_(bounds), handlers_(std::move(handlers)), clock_(clock), sweep_timer_(loop) {}

ClientServer::~ClientServer() {
    *alive_ = false;
    for (auto& [id, connection] : connections_) connection.line->close();
}

Result<std::unique_ptr<ClientServer>> ClientServer::open(asio::io_context& loop, const std::string& path,
                                                         ClientDoorBounds bounds, Handlers handlers, const Clock& clock) {
    std::unique_ptr<ClientServer> server(new ClientServer(loop, bounds, std::move(handlers), clock));
    wire::SocketSpec spec;
    spec.path = path;
    spec.mode = 0666;
    spec.most_connections = bounds.connections;
    auto listener = wire::Listener::open(
        loop, std::move(spec), [raw = server.get()](int fd, const wire::PeerCredentials& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    server->listener_ = *std::move(listener);
    server->sweep();
    return server;
}

std::size_t ClientServer::connections_of(uid_t uid) const {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [uid](const auto& entry) { return entry.second.uid == uid; }));
}

uid_t ClientServer::user_of(ConnectionId connection) const {
    const auto found = connections_.find(connection);
    return found == connections_.end() ? 0 : found->second.uid;
}

void ClientServer::accept(int fd, const wire::PeerCredentials& peer) {
    if (peer.uid != 0 && connections_of(peer.uid) >= bounds_.connections_per_uid) {
        ::close(fd);
        ++cut_off_;
        return listener_->connection_ended();
    }
    const ConnectionId id = next_connection_++;
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, id, alive = alive_](std::string_view line) {
        if (*alive) on_line(id, line);
    };
    handlers.on_closed = [this, id, alive = alive_](const Error& why) {
        if (*alive) on_closed(id, why);
    };
    Connection& connection = connections_[id];
    connection.uid = peer.uid;
    connection.since = clock_.now();
    connection.line = wire::LineConnection::start(loop_, fd, std::move(handlers), bounds_.line, clock_);
}

void ClientServer::on_line(ConnectionId from, std::string_view line) {
    const auto found = connections_.find(from);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    const auto envelope = read_from_application(line);
    if (envelope) return on_request(from, connection, *envelope);
    if (envelope.error().code == ErrorCode::bad_value) return connection.line->count_malformed();
    refuse(connection, id_of_malformed(line), envelope.error());
}

void ClientServer::on_request(ConnectionId from, Connection& connection, const Envelope& envelope) {
    if (std::holds_alternative<ErrorNotice>(envelope.body)) return;
    if (const auto* watch = std::get_if<Watch>(&envelope.body)) {
        connection.has_asked = true;
        connection.watches = watch->changes;
        send(from, envelope.id, handlers_.now());
        return;
    }
    if (auto taken = handlers_.on_reclaimer(from, envelope); !taken) return refuse(connection, envelope.id, taken.error());
    connection.has_asked = true;
}

void ClientServer::refuse(Connection& connection, const std::string& id, const Error& why) {
    const ErrorNotice notice{std::string(to_string(why.code)), why.message};
    if (auto line = encode(Envelope{id.empty() ? "unknown" : id, notice})) connection.line->send(*std::move(line));
}

bool ClientServer::send(ConnectionId to, const std::string& id, const Message& message) {
    const auto found = connections_.find(to);
    if (found == connections_.end()) return false;
    auto line = encode(Envelope{id, message});
    return line && found->second.line->send(*std::move(line));
}

void ClientServer::tell(const MemoryNews& state, ConditionNews news) {
    if (news == ConditionNews::nothing) return;
    const auto line = encode(Envelope{fresh_id(), state});
    if (!line) return;
    for (auto& [id, connection] : connections_) {
        const bool wants =
            connection.watches == WatchFor::all || (connection.watches == WatchFor::level && news == ConditionNews::level);
        if (wants) connection.line->send(*line);
    }
}

void ClientServer::on_closed(ConnectionId from, const Error& why) {
    const auto found = connections_.find(from);
    if (found == connections_.end()) return;
    if (why.code == ErrorCode::refused) ++cut_off_;
    malformed_of_closed_ += found->second.line->malformed();
    connections_.erase(found);
    listener_->connection_ended();
    handlers_.on_gone(from);
}

void ClientServer::sweep() {
    for (auto& [id, connection] : connections_) {
        if (connection.has_asked || clock_.now() - connection.since <= bounds_.request_within) continue;
        refuse(connection, "", Error{ErrorCode::timed_out, "nothing was asked for (watch, reclaimer)"});
        connection.line->close_after_writing(kFarewell);
    }
    forget_closed();
    sweep_timer_.expires_after(std::chrono::seconds(1));
    sweep_timer_.async_wait([this, alive = alive_](asio::error_code error) {
        if (!error && *alive) sweep();
    });
}

// Those that we have closed ourselves, and those whose end has not been told yet: nobody calls for them any more.
void ClientServer::forget_closed() {
    std::vector<ConnectionId> gone;
    for (auto it = connections_.begin(); it != connections_.end();) {
        if (it->second.line->is_open()) {
            ++it;
            continue;
        }
        malformed_of_closed_ += it->second.line->malformed();
        gone.push_back(it->first);
        it = connections_.erase(it);
        listener_->connection_ended();
    }
    for (const ConnectionId id : gone) handlers_.on_gone(id);
}

std::uint64_t ClientServer::malformed_lines() const {
    std::uint64_t sum = malformed_of_closed_;
    for (const auto& [id, connection] : connections_) sum += connection.line->malformed();
    return sum;
}

}  // namespace aerostat::guest
