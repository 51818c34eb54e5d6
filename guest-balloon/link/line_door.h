#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "guest-balloon/decide/process_identity.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::guest {

struct LineDoorBounds {
    std::size_t connections = 96;          ///< in all
    std::size_t connections_per_uid = 40;  ///< so that one user cannot keep the others out; root is exempt
    wire::ConnectionBounds line;
};

/// A socket of mode 0666 at which programs of this guest knock, each with a place while it stays within bounds. Anybody may
/// come; who it is, the kernel says. What is said at it is its owner's business.
/// Thread: the io_context's. Handlers are never called from inside a call, and not once the door is gone.
class LineDoor {
public:
    struct Handlers {
        std::function<void(ConnectionId from, const wire::PeerCredentials& peer)> on_accepted;
        std::function<void(ConnectionId from, std::string_view line)> on_line;
        std::function<void(ConnectionId from, const Error& why)> on_closed;  ///< by itself: not after end()
        std::function<void()> every_second;
    };
    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<LineDoor>> open(asio::io_context& loop, const std::string& path,
                                                                LineDoorBounds bounds, Handlers handlers,
                                                                const Clock& clock);
    ~LineDoor();
    LineDoor(const LineDoor&) = delete;
    LineDoor& operator=(const LineDoor&) = delete;

    /// False if the connection has ended, or ends by this.
    bool send(ConnectionId to, std::string line);
    /// At once; see LineConnection::send_now.
    bool send_now(ConnectionId to, std::string_view line);
    /// A line that its owner could not read.
    void count_malformed(ConnectionId from);
    /// Ends a connection when all has been written that waits, soon at the latest. Its place is free at once.
    void end(ConnectionId connection);
    /// Of a connection that is there; else nobody.
    [[nodiscard]] const wire::PeerCredentials* peer_of(ConnectionId connection) const;

    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const { return cut_off_; }

private:
    struct Place {
        std::shared_ptr<wire::LineConnection> line;
        wire::PeerCredentials peer;
    };
    LineDoor(asio::io_context& loop, LineDoorBounds bounds, Handlers handlers, const Clock& clock);
    void accept(int fd, const wire::PeerCredentials& peer);
    void closed(ConnectionId connection, const Error& why);
    void forget(std::map<ConnectionId, Place>::iterator place);
    void tick();
    [[nodiscard]] std::size_t places_of(uid_t uid) const;

    asio::io_context& loop_;
    LineDoorBounds bounds_;
    Handlers handlers_;
    const Clock& clock_;
    asio::steady_timer timer_;
    std::unique_ptr<wire::Listener> listener_;
    std::map<ConnectionId, Place> places_;
    ConnectionId next_ = 1;
    std::uint64_t malformed_of_gone_ = 0;
    std::uint64_t cut_off_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::guest
