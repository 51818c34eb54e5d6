#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/messages.h"
#include "host-controller/backend/backend.h"
#include "host-controller/local/process_group.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::host::local {

/// The door guests come in by: `guest.sock`. Knows a guest by the kernel's word on who connected, speaks hello and welcome,
/// and passes on what a guest may say. Garbage, floods and messages out of turn end a connection, never more than that.
/// Thread: the io_context's.
class GuestDoor {
public:
    using Handlers = Backend::Handlers;

    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<GuestDoor>> open(asio::io_context& loop, wire::SocketSpec spec,
                                                                 Handlers handlers, const Clock& clock);
    ~GuestDoor();

    /// False if the guest is not connected (or was cut off by this). `message` gets the guest's session where it has one.
    bool send(const std::string& guest, Message message);
    [[nodiscard]] bool is_connected(const std::string& guest) const { return by_guest_.contains(guest); }

    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t peers_cut_off() const { return cut_off_; }

private:
    struct Connection {
        std::shared_ptr<wire::LineConnection> line;
        wire::PeerCredentials peer;
        std::string guest;  ///< empty until it was welcomed
        std::string session;
        std::unique_ptr<asio::steady_timer> hello_timer;
    };
    GuestDoor(asio::io_context& loop, Handlers handlers, const Clock& clock);
    [[nodiscard]] bool has_room_for(const wire::PeerCredentials& peer) const;
    void accept(int fd, const wire::PeerCredentials& peer);
    void on_line(std::uint64_t id, std::string_view line);
    void on_closed(std::uint64_t id, const Error& why);
    void take_hello(std::uint64_t id, const std::string& envelope, const Hello& hello);
    void welcome(std::uint64_t id, const std::string& envelope, const Hello& hello, const std::string& guest,
                 const std::string& name);
    void take_message(std::uint64_t id, const std::string& envelope, Message message);
    void refuse(std::uint64_t id, const std::string& envelope, const Error& why);
    void send_error(Connection& to, const std::string& envelope, const Error& why);
    [[nodiscard]] Status make_room(const ProcessGroup& group, pid_t pid);
    void forget(std::uint64_t id);

    asio::io_context& loop_;
    Handlers handlers_;
    const Clock& clock_;
    std::unique_ptr<wire::Listener> listener_;
    std::map<std::uint64_t, Connection> connections_;
    std::map<std::string, std::uint64_t> by_guest_;
    std::uint64_t next_id_ = 1;
    std::uint64_t malformed_of_closed_ = 0;
    std::uint64_t cut_off_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::local
