#include "guest-balloon/link/agent_server.h"

#include <vector>

#include "contract/names.h"

namespace aerostat::guest {
namespace {

Message notice_of(const Error& error) { return ErrorNotice{std::string(to_string(error.code)), error.message}; }

}  // namespace

Result<std::unique_ptr<AgentServer>> AgentServer::open(asio::io_context& loop, const std::string& path,
                                                       AgentDoorBounds bounds, Handlers handlers, const Clock& clock) {
    std::unique_ptr<AgentServer> server(new AgentServer(bounds, std::move(handlers), clock));
    LineDoor::Handlers at_door;
    at_door.on_accepted = [raw = server.get()](ConnectionId from, const wire::PeerCredentials&) {
        raw->connections_[from].since = raw->clock_.now();
    };
    at_door.on_line = [raw = server.get()](ConnectionId from, std::string_view line) { raw->on_line(from, line); };
    at_door.on_closed = [raw = server.get()](ConnectionId from, const Error& why) { raw->on_closed(from, why); };
    at_door.every_second = [raw = server.get()] { raw->sweep(); };
    auto door = LineDoor::open(loop, path, bounds.door, std::move(at_door), clock);
    if (!door) return tl::unexpected(door.error());
    server->door_ = *std::move(door);
    return server;
}

void AgentServer::on_line(ConnectionId from, std::string_view line) {
    AgentDialogue& dialogue = connections_.at(from).dialogue;
    auto envelope = dialogue.read(line);
    if (!envelope) {
        if (envelope.error().code == ErrorCode::bad_value) return door_->count_malformed(from);
        const std::string id = id_of_malformed(line);
        answer(from, id.empty() ? "unknown" : id, notice_of(envelope.error()));
        return;
    }
    if (std::holds_alternative<Hello>(envelope->body)) return on_hello(from, *envelope);
    if (dialogue.is_welcomed()) handlers_.on_message(from, envelope->body);
}

void AgentServer::on_hello(ConnectionId from, const Envelope& envelope) {
    auto welcome = handlers_.on_hello(from, *door_->peer_of(from), std::get<Hello>(envelope.body));
    if (!welcome) return drop(from, welcome.error());
    connections_.at(from).dialogue.welcomed();
    answer(from, envelope.id, *welcome);
}

bool AgentServer::answer(ConnectionId to, const std::string& id, const Message& message) {
    auto line = encode(Envelope{id, message});
    return line && door_->send(to, *std::move(line));
}

bool AgentServer::send(ConnectionId to, const Message& message) { return answer(to, fresh_id(), message); }

bool AgentServer::send_now(ConnectionId to, std::string_view line) { return door_->send_now(to, line); }

void AgentServer::drop(ConnectionId connection, const Error& why) {
    if (connections_.erase(connection) == 0) return;
    answer(connection, fresh_id(), notice_of(why));
    door_->end(connection);
}

void AgentServer::on_closed(ConnectionId from, const Error& why) {
    const auto found = connections_.find(from);
    if (found == connections_.end()) return;
    const bool was_welcomed = found->second.dialogue.is_welcomed();
    connections_.erase(found);
    if (was_welcomed) handlers_.on_gone(from, why);
}

// Whoever connects and says nothing does not keep its place.
void AgentServer::sweep() {
    std::vector<ConnectionId> silent;
    for (const auto& [id, connection] : connections_) {
        if (!connection.dialogue.is_welcomed() && clock_.now() - connection.since > bounds_.hello_within)
            silent.push_back(id);
    }
    for (const ConnectionId id : silent) drop(id, Error{ErrorCode::timed_out, "no hello came"});
}

}  // namespace aerostat::guest
