#include "guest-balloon/link/agent_server.h"

#include <unistd.h>

#include <algorithm>

#include "contract/names.h"

namespace aerostat::guest {
namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(200);  // for the error to be read before the connection ends

Message notice_of(const Error& error) { return ErrorNotice{std::string(to_string(error.code)), error.message}; }

}  // namespace

AgentServer::AgentServer(asio::io_context& loop, AgentDoorBounds bounds, Handlers handlers, const Clock& clock)
    : loop_(loop), bounds_(bounds), handlers_(std::move(handlers)), clock_(clock), sweep_timer_(loop) {}

AgentServer::~AgentServer() {
    *alive_ = false;
    for (auto& [id, connection] : connections_) connection.line->close();
}

Result<std::unique_ptr<AgentServer>> AgentServer::open(asio::io_context& loop, const std::string& path,
                                                       AgentDoorBounds bounds, Handlers handlers, const Clock& clock) {
    std::unique_ptr<AgentServer> server(new AgentServer(loop, bounds, std::move(handlers), clock));
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

std::size_t AgentServer::connections_of(uid_t uid) const {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [&](const auto& entry) { return entry.second.peer.uid == uid; }));
}

void AgentServer::accept(int fd, const wire::PeerCredentials& peer) {
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
    connection.peer = peer;
    connection.since = clock_.now();
    connection.line = wire::LineConnection::start(loop_, fd, std::move(handlers), bounds_.line, clock_);
}

void AgentServer::on_line(ConnectionId from, std::string_view line) {
    const auto found = connections_.find(from);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    auto envelope = connection.dialogue.read(line);
    if (!envelope) {
        if (envelope.error().code == ErrorCode::bad_value) return connection.line->count_malformed();
        const std::string id = id_of_malformed(line);
        return answer(connection, id.empty() ? "unknown" : id, notice_of(envelope.error()));
    }
    if (std::holds_alternative<Hello>(envelope->body)) return on_hello(from, *envelope);
    if (connection.dialogue.is_welcomed()) handlers_.on_message(from, envelope->body);
}

void AgentServer::on_hello(ConnectionId from, const Envelope& envelope) {
    Connection& connection = connections_.at(from);
    auto welcome = handlers_.on_hello(from, connection.peer, std::get<Hello>(envelope.body));
    if (!welcome) return drop(from, welcome.error());
    connection.dialogue.welcomed();
    answer(connection, envelope.id, *welcome);
}

void AgentServer::answer(Connection& connection, const std::string& id, const Message& message) {
    if (auto line = encode(Envelope{id, message})) connection.line->send(*std::move(line));
}

bool AgentServer::send(ConnectionId to, const Message& message) {
    const auto found = connections_.find(to);
    if (found == connections_.end()) return false;
    auto line = encode(Envelope{fresh_id(), message});
    return line && found->second.line->send(*std::move(line));
}

bool AgentServer::send_now(ConnectionId to, std::string_view line) {
    const auto found = connections_.find(to);
    return found != connections_.end() && found->second.line->send_now(line);
}

void AgentServer::drop(ConnectionId connection, const Error& why) {
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return;
    answer(found->second, fresh_id(), notice_of(why));
    found->second.line->close_after_writing(kFarewell);
    forget(found);
}

void AgentServer::on_closed(ConnectionId from, const Error& why) {
    const auto found = connections_.find(from);
    if (found == connections_.end()) return;
    const bool was_welcomed = found->second.dialogue.is_welcomed();
    if (why.code == ErrorCode::refused) ++cut_off_;
    forget(found);
    if (was_welcomed) handlers_.on_gone(from, why);
}

void AgentServer::forget(std::map<ConnectionId, Connection>::iterator connection) {
    malformed_of_closed_ += connection->second.line->malformed();
    connections_.erase(connection);
    listener_->connection_ended();
}

// Whoever connects and says nothing does not keep its place.
void AgentServer::sweep() {
    std::vector<ConnectionId> silent;
    for (const auto& [id, connection] : connections_) {
        if (!connection.dialogue.is_welcomed() && clock_.now() - connection.since > bounds_.hello_within)
            silent.push_back(id);
    }
    for (const ConnectionId id : silent) drop(id, Error{ErrorCode::timed_out, "no hello came"});
    sweep_timer_.expires_after(std::chrono::seconds(1));
    sweep_timer_.async_wait([this, alive = alive_](asio::error_code error) {
        if (!error && *alive) sweep();
    });
}

std::uint64_t AgentServer::malformed_lines() const {
    std::uint64_t sum = malformed_of_closed_;
    for (const auto& [id, connection] : connections_) sum += connection.line->malformed();
    return sum;
}

}  // namespace aerostat::guest
