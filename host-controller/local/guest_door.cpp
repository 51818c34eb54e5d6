#include "host-controller/local/guest_door.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "contract/codec.h"
#include "contract/names.h"
#include "host-controller/backend/guest_messages.h"

namespace aerostat::host::local {
namespace {

constexpr Duration kHelloWithin = std::chrono::seconds(5);
constexpr Duration kLastWordsWithin = std::chrono::seconds(1);

constexpr std::ptrdiff_t kMostWaitingOfOneUser = 32;

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

}  // namespace

GuestDoor::GuestDoor(asio::io_context& loop, Handlers handlers, const Clock& clock)
    : loop_(loop), handlers_(std::move(handlers)), clock_(clock) {}

GuestDoor::~GuestDoor() {
    *alive_ = false;
    for (auto& [id, connection] : connections_) connection.line->close_after_writing(kLastWordsWithin);
}

Result<std::unique_ptr<GuestDoor>> GuestDoor::open(asio::io_context& loop, wire::SocketSpec spec, Handlers handlers,
                                                   const Clock& clock) {
    std::unique_ptr<GuestDoor> door(new GuestDoor(loop, std::move(handlers), clock));
    auto listener =
        wire::Listener::open(loop, std::move(spec), [raw = door.get()](int fd, const auto& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    door->listener_ = *std::move(listener);
    return door;
}

// Connections that have not said who they are cost nothing to make: one user cannot keep other users' guests out with them.
bool GuestDoor::has_room_for(const wire::PeerCredentials& peer) const {
    if (peer.uid == 0) return true;
    const auto waiting = std::count_if(connections_.begin(), connections_.end(), [&](const auto& one) {
        return one.second.guest.empty() && one.second.peer.uid == peer.uid;
    });
    return waiting < kMostWaitingOfOneUser;
}

void GuestDoor::accept(int fd, const wire::PeerCredentials& peer) {
    if (!has_room_for(peer)) {
        ::close(fd);
        return listener_->connection_ended();
    }
    const std::uint64_t id = next_id_++;
    Connection& connection = connections_[id];
    connection.peer = peer;
    connection.line = wire::LineConnection::start(loop_, fd,
                                                  {[this, alive = alive_, id](std::string_view line) {
                                                       if (*alive) on_line(id, line);
                                                   },
                                                   [this, alive = alive_, id](const Error& why) {
                                                       if (*alive) on_closed(id, why);
                                                   }},
                                                  wire::ConnectionBounds(), clock_);
    connection.hello_timer = std::make_unique<asio::steady_timer>(loop_, kHelloWithin);
    connection.hello_timer->async_wait([this, alive = alive_, id](asio::error_code error) {
        if (!error && *alive) refuse(id, "hello", Error{ErrorCode::timed_out, "no hello came"});
    });
}

void GuestDoor::on_line(std::uint64_t id, std::string_view line) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto message = decode_message(line);
    if (!message) {
        found->second.line->count_malformed();
        const std::string envelope = id_of_malformed(line);
        return send_error(found->second, envelope.empty() ? "unknown" : envelope, message.error());
    }
    if (const auto* hello = std::get_if<Hello>(&message->body)) return take_hello(id, message->id, *hello);
    take_message(id, message->id, std::move(message->body));
}

void GuestDoor::take_hello(std::uint64_t id, const std::string& envelope, const Hello& hello) {
    Connection& connection = connections_.at(id);
    if (!connection.guest.empty())
        return refuse(id, envelope, Error{ErrorCode::refused, "hello was said already on this connection"});
    if (hello.role != Role::guest)
        return refuse(id, envelope,
                      Error{ErrorCode::refused, "only guests join here; agents join their guest's aerostat-guestd"});
    const auto peer = place_of(connection.peer.pid);
    const auto own = place_of(::getpid());
    if (!peer || !own)
        return refuse(id, envelope,
                      Error{ErrorCode::refused, "your process cannot be seen from here (another pid namespace?)"});
    const auto group = group_of(*peer, *own);
    if (!group) return refuse(id, envelope, group.error());
    if (auto room = make_room(*group, connection.peer.pid); !room) return refuse(id, envelope, room.error());
    const auto name = handlers_.on_join(group->text(), hello.name, static_cast<std::uint64_t>(connection.peer.pid));
    if (!name) return refuse(id, envelope, name.error());
    welcome(id, envelope, hello, group->text(), *name);
}

// One connection a guest. A second one takes over from a dead peer, or from the same one reconnecting.
Status GuestDoor::make_room(const ProcessGroup& group, pid_t pid) {
    const auto known = by_guest_.find(group.text());
    if (known == by_guest_.end()) return {};
    const Connection& old = connections_.at(known->second);
    if (old.peer.pid != pid && is_alive(old.peer.pid)) {
        return fail(ErrorCode::busy, "process " + std::to_string(old.peer.pid) + " already speaks for " + group.text() +
                                         "; start each guest with setsid or in its own cgroup");
    }
    old.line->close();
    forget(known->second);
    return {};
}

void GuestDoor::welcome(std::uint64_t id, const std::string& envelope, const Hello& hello, const std::string& guest,
                        const std::string& name) {
    Connection& connection = connections_.at(id);
    connection.guest = guest;
    connection.session = hello.session;
    connection.hello_timer->cancel();
    by_guest_[guest] = id;
    const auto line = encode(Envelope{envelope, Welcome{hello.session, name, Millis(30'000)}});
    if (line) connection.line->send(*line);
    handlers_.on_joined(guest);
}

void GuestDoor::take_message(std::uint64_t id, const std::string& envelope, Message message) {
    Connection& connection = connections_.at(id);
    if (connection.guest.empty()) return refuse(id, envelope, Error{ErrorCode::refused, "say hello first"});
    if (!is_for_hosts(message))
        return send_error(connection, envelope, Error{ErrorCode::refused, "a guest does not give orders"});
    if (std::holds_alternative<ErrorNotice>(message) || std::holds_alternative<LeaseRenewal>(message)) return;
    const std::string guest = connection.guest;
    handlers_.on_message(guest, std::move(message));
}

void GuestDoor::refuse(std::uint64_t id, const std::string& envelope, const Error& why) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    send_error(found->second, envelope, why);
    found->second.line->close_after_writing(kLastWordsWithin);
    handlers_.on_refused("peer pid " + std::to_string(found->second.peer.pid) + ": " + why.message);
    on_closed(id, Error{ErrorCode::disconnected, why.message});
}

void GuestDoor::send_error(Connection& to, const std::string& envelope, const Error& why) {
    const auto line = encode(Envelope{envelope, ErrorNotice{std::string(to_string(why.code)), why.message}});
    if (line) to.line->send(*line);
}

void GuestDoor::on_closed(std::uint64_t id, const Error& why) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if (why.code == ErrorCode::refused) ++cut_off_;
    const std::string guest = found->second.guest;
    forget(id);
    if (!guest.empty()) handlers_.on_lost(guest, why);
}

void GuestDoor::forget(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    malformed_of_closed_ += found->second.line->malformed();
    const auto guest = by_guest_.find(found->second.guest);
    if (guest != by_guest_.end() && guest->second == id) by_guest_.erase(guest);
    connections_.erase(found);
    listener_->connection_ended();
}

bool GuestDoor::send(const std::string& guest, Message message) {
    const auto found = by_guest_.find(guest);
    if (found == by_guest_.end()) return false;
    Connection& connection = connections_.at(found->second);
    set_session(message, connection.session);
    const auto line = encode(Envelope{fresh_id(), std::move(message)});
    return line && connection.line->send(*line);
}

std::uint64_t GuestDoor::malformed_lines() const {
    std::uint64_t total = malformed_of_closed_;
    for (const auto& [id, connection] : connections_) total += connection.line->malformed();
    return total;
}

}  // namespace aerostat::host::local
