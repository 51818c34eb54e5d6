#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/messages.h"
#include "guest-balloon/decide/condition.h"
#include "guest-balloon/decide/process_identity.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::guest {

struct ClientDoorBounds {
    std::size_t connections = 320;
    std::size_t connections_per_uid = 256;              ///< root is exempt
    Duration request_within = std::chrono::seconds(5);  ///< whoever wants nothing does not keep its place
    wire::ConnectionBounds line{256 * 1024, 50, 400, 100};
};

/// The door for applications: `client.sock`, mode 0666. Keeps who wants to be told of what; what concerns reclaimers is
/// handed on. Malformed lines are counted and dropped, floods cut off. Thread: the io_context's. Handlers are never called
/// from inside send() or tell().
class ClientServer {
public:
    struct Handlers {
        std::function<MemoryNews()> now;  ///< for one who begins to watch
        /// An error is answered with its sentence.
        std::function<Status(ConnectionId from, const Envelope& envelope)> on_reclaimer;  ///< reclaimer, forget, reclaimed
        std::function<void(ConnectionId from)> on_gone;  ///< once for each connection, whoever ended it
    };

    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<ClientServer>> open(asio::io_context& loop, const std::string& path,
                                                                    ClientDoorBounds bounds, Handlers handlers,
                                                                    const Clock& clock);
    ~ClientServer();
    ClientServer(const ClientServer&) = delete;
    ClientServer& operator=(const ClientServer&) = delete;

    /// To all whom this news concerns.
    void tell(const MemoryNews& state, ConditionNews news);
    /// False if the connection has ended.
    bool send(ConnectionId to, const std::string& id, const Message& message);

    /// Who is at the other end, by the kernel's word. Of a connection that is there.
    [[nodiscard]] uid_t user_of(ConnectionId connection) const;
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const { return cut_off_; }

private:
    struct Connection {
        std::shared_ptr<wire::LineConnection> line;
        uid_t uid = 0;
        WatchFor watches = WatchFor::none;
        bool has_asked = false;
        TimePoint since;
    };
    ClientServer(asio::io_context& loop, ClientDoorBounds bounds, Handlers handlers, const Clock& clock);
    void accept(int fd, const wire::PeerCredentials& peer);
    void on_line(ConnectionId from, std::string_view line);
    void on_request(ConnectionId from, Connection& connection, const Envelope& envelope);
    void on_closed(ConnectionId from, const Error& why);
    void refuse(Connection& connection, const std::string& id, const Error& why);
    void sweep();
    void forget_closed();
    [[nodiscard]] std::size_t connections_of(uid_t uid) const;

    asio::io_context& loop_;
    ClientDoorBounds bounds_;
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
