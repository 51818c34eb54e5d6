#include "guest-balloon/link/line_door.h"

#include <unistd.h>

#include <algorithm>

namespace aerostat::guest {
namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(200);  // for an error to be read before the connection ends

}  // namespace

LineDoor::LineDoor(asio::io_context& loop, LineDoorBounds bounds, Handlers handlers, const Clock& clock)
    : loop_(loop), bounds_(bounds), handlers_(std::move(handlers)), clock_(clock), timer_(loop) {}

LineDoor::~LineDoor() {
    *alive_ = false;
    for (auto& [id, place] : places_) place.line->close();
}

Result<std::unique_ptr<LineDoor>> LineDoor::open(asio::io_context& loop, const std::string& path, LineDoorBounds bounds,
                                                 Handlers handlers, const Clock& clock) {
    std::unique_ptr<LineDoor> door(new LineDoor(loop, bounds, std::move(handlers), clock));
    auto listener =
        wire::Listener::open(loop, wire::open_to_all(path, bounds.connections),
                             [raw = door.get()](int fd, const wire::PeerCredentials& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    door->listener_ = *std::move(listener);
    door->tick();
    return door;
}

std::size_t LineDoor::places_of(uid_t uid) const {
    return static_cast<std::size_t>(
        std::count_if(places_.begin(), places_.end(), [uid](const auto& entry) { return entry.second.peer.uid == uid; }));
}

void LineDoor::accept(int fd, const wire::PeerCredentials& peer) {
    if (peer.uid != 0 && places_of(peer.uid) >= bounds_.connections_per_uid) {
        ::close(fd);
        ++cut_off_;
        return listener_->connection_ended();
    }
    const ConnectionId id = next_++;
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, id, alive = alive_](std::string_view line) {
        if (*alive && places_.contains(id)) handlers_.on_line(id, line);
    };
    handlers.on_closed = [this, id, alive = alive_](const Error& why) {
        if (*alive) closed(id, why);
    };
    places_[id] = {wire::LineConnection::start(loop_, fd, std::move(handlers), bounds_.line, clock_), peer};
    handlers_.on_accepted(id, peer);
}

void LineDoor::closed(ConnectionId connection, const Error& why) {
    const auto found = places_.find(connection);
    if (found == places_.end()) return;
    if (why.code == ErrorCode::refused) ++cut_off_;
    forget(found);
    handlers_.on_closed(connection, why);
}

bool LineDoor::send(ConnectionId to, std::string line) {
    const auto found = places_.find(to);
    return found != places_.end() && found->second.line->send(std::move(line));
}

bool LineDoor::send_now(ConnectionId to, std::string_view line) {
    const auto found = places_.find(to);
    return found != places_.end() && found->second.line->send_now(line);
}

void LineDoor::count_malformed(ConnectionId from) {
    if (const auto found = places_.find(from); found != places_.end()) found->second.line->count_malformed();
}

void LineDoor::end(ConnectionId connection) {
    const auto found = places_.find(connection);
    if (found == places_.end()) return;
    found->second.line->close_after_writing(kFarewell);
    forget(found);
}

const wire::PeerCredentials* LineDoor::peer_of(ConnectionId connection) const {
    const auto found = places_.find(connection);
    return found == places_.end() ? nullptr : &found->second.peer;
}

void LineDoor::forget(std::map<ConnectionId, Place>::iterator place) {
    malformed_of_gone_ += place->second.line->malformed();
    places_.erase(place);
    listener_->connection_ended();
}

void LineDoor::tick() {
    handlers_.every_second();
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this, alive = alive_](asio::error_code error) {
        if (!error && *alive) tick();
    });
}

std::uint64_t LineDoor::malformed_lines() const {
    std::uint64_t sum = malformed_of_gone_;
    for (const auto& [id, place] : places_) sum += place.line->malformed();
    return sum;
}

}  // namespace aerostat::guest
