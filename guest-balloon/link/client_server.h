#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "contract/messages.h"
#include "guest-balloon/decide/condition.h"
#include "guest-balloon/link/line_door.h"

namespace aerostat::guest {

struct ClientDoorBounds {
    LineDoorBounds door{320, 256, {256 * 1024, 50, 400, 100}};
    Duration request_within = std::chrono::seconds(5);  ///< whoever wants nothing does not keep its place
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
    ClientServer(const ClientServer&) = delete;
    ClientServer& operator=(const ClientServer&) = delete;

    /// To all whom this news concerns.
    void tell(const MemoryNews& state, ConditionNews news);
    /// False if the connection has ended.
    bool send(ConnectionId to, const std::string& id, const Message& message);

    /// Who is at the other end, by the kernel's word. Of a connection that is there.
    [[nodiscard]] wire::PeerCredentials peer_of(ConnectionId connection) const;
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t malformed_lines() const { return door_->malformed_lines(); }
    [[nodiscard]] std::uint64_t peers_cut_off() const { return door_->peers_cut_off(); }

private:
    struct Connection {
        WatchFor watches = WatchFor::none;
        bool has_asked = false;
        TimePoint since;
    };
    ClientServer(ClientDoorBounds bounds, Handlers handlers, const Clock& clock)
        : bounds_(bounds), handlers_(std::move(handlers)), clock_(clock) {}
    void on_line(ConnectionId from, std::string_view line);
    void on_request(ConnectionId from, const Envelope& envelope);
    void on_closed(ConnectionId from);
    void refuse(ConnectionId to, const std::string& id, const Error& why);
    void sweep();

    ClientDoorBounds bounds_;
    Handlers handlers_;
    const Clock& clock_;
    std::map<ConnectionId, Connection> connections_;
    std::unique_ptr<LineDoor> door_;  // last: it calls us
};

}  // namespace aerostat::guest
