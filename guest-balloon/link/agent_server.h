#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "guest-balloon/link/agent_dialogue.h"
#include "guest-balloon/link/line_door.h"

namespace aerostat::guest {

struct AgentDoorBounds {
    LineDoorBounds door{96, 40, {}};  ///< with those that have not said hello yet
    Duration hello_within = std::chrono::seconds(5);
};

/// The door for the agents of this guest's JVMs: `agent.sock`, mode 0666. Anybody may knock; who it is, the kernel says.
///
/// Understood messages are handed on; malformed lines are counted and dropped, what is understood but wrong is answered with
/// an error, floods are cut off. Thread: the io_context's. Handlers are never called from inside send() or drop().
class AgentServer {
public:
    struct Handlers {
        /// An error turns the agent away, with its sentence.
        std::function<Result<Welcome>(ConnectionId from, const wire::PeerCredentials& peer, const Hello& hello)> on_hello;
        std::function<void(ConnectionId from, const Message& message)> on_message;  ///< report, result, pressure, error
        std::function<void(ConnectionId from, const Error& why)> on_gone;           ///< of welcomed ones; not after drop()
    };

    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<AgentServer>> open(asio::io_context& loop, const std::string& path,
                                                                   AgentDoorBounds bounds, Handlers handlers,
                                                                   const Clock& clock);
    AgentServer(const AgentServer&) = delete;
    AgentServer& operator=(const AgentServer&) = delete;

    /// False if the connection has ended, or the message does not fit the wire.
    bool send(ConnectionId to, const Message& message);
    /// A line made beforehand, at once; see LineConnection::send_now.
    bool send_now(ConnectionId to, std::string_view line);
    /// Ends a connection, telling the peer why.
    void drop(ConnectionId connection, const Error& why);

    [[nodiscard]] std::uint64_t malformed_lines() const { return door_->malformed_lines(); }
    [[nodiscard]] std::uint64_t peers_cut_off() const { return door_->peers_cut_off(); }

private:
    struct Connection {
        AgentDialogue dialogue;
        TimePoint since;
    };
    AgentServer(AgentDoorBounds bounds, Handlers handlers, const Clock& clock)
        : bounds_(bounds), handlers_(std::move(handlers)), clock_(clock) {}
    void on_line(ConnectionId from, std::string_view line);
    void on_hello(ConnectionId from, const Envelope& envelope);
    void on_closed(ConnectionId from, const Error& why);
    bool answer(ConnectionId to, const std::string& id, const Message& message);
    void sweep();

    AgentDoorBounds bounds_;
    Handlers handlers_;
    const Clock& clock_;
    std::map<ConnectionId, Connection> connections_;
    std::unique_ptr<LineDoor> door_;  // last: it calls us
};

}  // namespace aerostat::guest
