#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "guest-balloon/decide/process_identity.h"
#include "guest-balloon/link/agent_dialogue.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::guest {

struct AgentDoorBounds {
    std::size_t connections = 96;          ///< in all, with those that have not said hello yet
    std::size_t connections_per_uid = 40;  ///< so that one user cannot keep the others out; root is exempt
    Duration hello_within = std::chrono::seconds(5);
    wire::ConnectionBounds line;
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
    ~AgentServer();
    AgentServer(const AgentServer&) = delete;
    AgentServer& operator=(const AgentServer&) = delete;

    /// False if the connection has ended, or the message does not fit the wire.
    bool send(ConnectionId to, const Message& message);
    /// A line made beforehand, at once; see LineConnection::send_now.
    bool send_now(ConnectionId to, std::string_view line);
    /// Ends a connection, telling the peer why.
    void drop(ConnectionId connection, const Error& why);

    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const { return cut_off_; }

private:
    struct Connection {
        std::shared_ptr<wire::LineConnection> line;
        wire::PeerCredentials peer;
        AgentDialogue dialogue;
        TimePoint since;
    };
    AgentServer(asio::io_context& loop, AgentDoorBounds bounds, Handlers handlers, const Clock& clock);
    void accept(int fd, const wire::PeerCredentials& peer);
    void on_line(ConnectionId from, std::string_view line);
    void on_hello(ConnectionId from, const Envelope& envelope);
    void on_closed(ConnectionId from, const Error& why);
    void answer(Connection& connection, const std::string& id, const Message& message);
    void forget(std::map<ConnectionId, Connection>::iterator connection);
    void sweep();
    [[nodiscard]] std::size_t connections_of(uid_t uid) const;

    asio::io_context& loop_;
    AgentDoorBounds bounds_;
    Handlers handlers_;
    const Clock& clock_;
    asio::steady_timer sweep_timer_;
    std::unique_ptr<wire::Listener> listener_;
    std::map<ConnectionId, Connection> connections_;
    ConnectionId next_connection_ = 1;
    std::uint64_t malformed_of_closed_ = 0;
    std::uint64_t cut_off_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::guest
