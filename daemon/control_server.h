#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>

#include "contract/control.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::daemon {

/// Who may do what at a control socket. root and the daemon's own user may do everything; a member of the read group may
/// ask, a member of the operate group may also order. No group set: nobody else.
struct ControlAccess {
    std::optional<gid_t> read_group;
    std::optional<gid_t> operate_group;

    /// True if a peer with these credentials holds the permission.
    [[nodiscard]] bool allows(const wire::PeerCredentials& peer, Permission wanted) const;
};

/// Answers one request: keeps it as long as the answer takes (an operation that is waited for), then calls it once.
/// If the client has gone meanwhile the reply is dropped; the operation goes on.
using Responder = std::function<void(ControlReply reply)>;

/// The operators' door of a daemon: `control.sock`, 0660, JSON-lines requests and replies.
///
/// Checks the peer's rights for every request, answers malformed lines and unknown commands with an error, cuts off peers
/// that flood. At most 64 connections, of one user 16, of users without a role 8 in all, of all but root and the daemon's
/// own user 48; these two only know the first bound. Thread: the io_context's.
class ControlServer {
public:
    using OnRequest = std::function<void(const ControlRequest& request, Responder respond)>;

    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<ControlServer>> open(asio::io_context& loop, const std::string& path,
                                                                     ControlAccess access, OnRequest on_request,
                                                                     const Clock& clock);
    ~ControlServer();

    /// Stops taking requests; replies already written are sent, for at most `within`.
    void close(Duration within);

    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const { return cut_off_; }
    [[nodiscard]] std::size_t open_connections() const { return connections_.size(); }

private:
    struct Connection {
        std::shared_ptr<wire::LineConnection> line;
        wire::PeerCredentials peer;
    };
    ControlServer(asio::io_context& loop, ControlAccess access, OnRequest on_request, const Clock& clock);
    [[nodiscard]] bool has_room_for(const wire::PeerCredentials& peer) const;
    void accept(int fd, const wire::PeerCredentials& peer);
    void on_line(std::uint64_t connection, std::string_view line);
    void on_closed(std::uint64_t connection, const Error& why);
    void reply(std::uint64_t connection, const ControlReply& reply);

    asio::io_context& loop_;
    ControlAccess access_;
    OnRequest on_request_;
    const Clock& clock_;
    std::unique_ptr<wire::Listener> listener_;
    std::map<std::uint64_t, Connection> connections_;
    std::uint64_t next_connection_ = 1;
    std::uint64_t malformed_of_closed_ = 0;
    std::uint64_t cut_off_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< false once destroyed: late replies are dropped
};

/// A unix group's id by its name. Fails: `not_found` ("no such group").
[[nodiscard]] Result<gid_t> group_by_name(const std::string& name);

}  // namespace aerostat::daemon
