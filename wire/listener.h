#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "contract/error.h"
#include "wire/peer_credentials.h"

namespace aerostat::wire {

struct SocketSpec {
    std::string path;
    unsigned mode = 0660;             ///< permissions of the socket file
    std::optional<gid_t> group = {};  ///< its group, if another than ours
    int backlog = 64;
    std::size_t most_connections = 256;  ///< accepted and still open; the owner reports each end by connection_ended()
};

/// A socket at which everybody may knock: who it is, the kernel says.
[[nodiscard]] inline SocketSpec open_to_all(std::string path, std::size_t most_connections) {
    return {.path = std::move(path), .mode = 0666, .most_connections = most_connections};
}

/// A listening unix socket that knows whether it is alone.
///
/// `PATH.lock` is held (flock) while the socket is served: a second daemon on the same path is refused with the first
/// one's pid, and a socket file left behind by a dead daemon is replaced. The socket file is removed on destruction, the
/// lock file stays (removing it would race with a successor).
/// Thread: the io_context's.
class Listener {
public:
    /// `fd` is a connected, non-blocking, close-on-exec descriptor, owned by the callee from then on.
    using OnAccept = std::function<void(int fd, const PeerCredentials& peer)>;

    /// Fails: `busy` (another daemon serves it), `bad_value` (path too long for a unix socket, or in the way is something
    /// that is no socket), `io` (missing directory, no rights: the message says what to do).
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open(asio::io_context& loop, SocketSpec spec, OnAccept on_accept);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    void connection_ended();
    [[nodiscard]] const std::string& path() const { return spec_.path; }
    /// Connections turned away because most_connections were open.
    [[nodiscard]] std::uint64_t turned_away() const { return turned_away_; }

private:
    Listener(asio::io_context& loop, SocketSpec spec, OnAccept on_accept, int lock_fd);
    Status bind_and_listen();
    void accept_next();

    asio::local::stream_protocol::acceptor acceptor_;
    SocketSpec spec_;
    OnAccept on_accept_;
    int lock_fd_;
    bool bound_ = false;
    std::size_t open_connections_ = 0;
    std::uint64_t turned_away_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::wire
