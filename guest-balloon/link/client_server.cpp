#include "guest-balloon/link/client_server.h"

#include <vector>

#include "contract/names.h"
#include "guest-balloon/link/client_dialogue.h"

namespace aerostat::guest {

Result<std::unique_ptr<ClientServer>> ClientServer::open(asio::io_context& loop, const std::string& path,
                                                         ClientDoorBounds bounds, Handlers handlers, const Clock& clock) {
    std::unique_ptr<ClientServer> server(new ClientServer(bounds, std::move(handlers), clock));
    LineDoor::Handlers at_door;
    at_door.on_accepted = [raw = server.get()](ConnectionId from, const wire::PeerCredentials&) {
        raw->connections_[from].since = raw->clock_.now();
    };
    at_door.on_line = [raw = server.get()](ConnectionId from, std::string_view line) { raw->on_line(from, line); };
    at_door.on_closed = [raw = server.get()](ConnectionId from, const Error&) { raw->on_closed(from); };
    at_door.every_second = [raw = server.get()] { raw->sweep(); };
    auto door = LineDoor::open(loop, path, bounds.door, std::move(at_door), clock);
    if (!door) return tl::unexpected(door.error());
    server->door_ = *std::move(door);
    return server;
}

wire::PeerCredentials ClientServer::peer_of(ConnectionId connection) const {
    const wire::PeerCredentials* peer = door_->peer_of(connection);
    return peer ? *peer : wire::PeerCredentials{};
}

void ClientServer::on_line(ConnectionId from, std::string_view line) {
    const auto envelope = read_from_application(line);
    if (envelope) return on_request(from, *envelope);
    if (envelope.error().code == ErrorCode::bad_value) return door_->count_malformed(from);
    refuse(from, id_of_malformed(line), envelope.error());
}

void ClientServer::on_request(ConnectionId from, const Envelope& envelope) {
    if (std::holds_alternative<ErrorNotice>(envelope.body)) return;
    Connection& connection = connections_.at(from);
    if (const auto* watch = std::get_if<Watch>(&envelope.body)) {
        connection.has_asked = true;
        connection.watches = watch->changes;
        send(from, envelope.id, handlers_.now());
        return;
    }
    if (auto taken = handlers_.on_reclaimer(from, envelope); !taken) return refuse(from, envelope.id, taken.error());
    connection.has_asked = true;
}

void ClientServer::refuse(ConnectionId to, const std::string& id, const Error& why) {
    send(to, id.empty() ? "unknown" : id, ErrorNotice{std::string(to_string(why.code)), why.message});
}

bool ClientServer::send(ConnectionId to, const std::string& id, const Message& message) {
    auto line = encode(Envelope{id, message});
    return line && door_->send(to, *std::move(line));
}

void ClientServer::tell(const MemoryNews& state, ConditionNews news) {
    if (news == ConditionNews::nothing) return;
    const auto line = encode(Envelope{fresh_id(), state});
    if (!line) return;
    for (const auto& [id, connection] : connections_) {
        const bool wants =
            connection.watches == WatchFor::all || (connection.watches == WatchFor::level && news == ConditionNews::level);
        if (wants) door_->send(id, *line);
    }
}

void ClientServer::on_closed(ConnectionId from) {
    if (connections_.erase(from) != 0) handlers_.on_gone(from);
}

void ClientServer::sweep() {
    std::vector<ConnectionId> idle;
    for (const auto& [id, connection] : connections_) {
        if (!connection.has_asked && clock_.now() - connection.since > bounds_.request_within) idle.push_back(id);
    }
    for (const ConnectionId id : idle) {
        refuse(id, "", Error{ErrorCode::timed_out, "nothing was asked for (watch, reclaimer)"});
        door_->end(id);
        on_closed(id);
    }
}

}  // namespace aerostat::guest
