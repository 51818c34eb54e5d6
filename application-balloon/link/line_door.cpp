#include "application-balloon/link/line_door.h"

#include <unistd.h>

namespace aerostat::balloon {
namespace {

constexpr std::size_t kMostConnections = 4;

wire::ConnectionBounds bounds() {
    wire::ConnectionBounds bounds;
    bounds.queued_bytes = 256UL * 1024;
    bounds.lines_per_second = 100;
    bounds.burst_lines = 200;
    return bounds;
}

}  // namespace

LineDoor::LineDoor(asio::io_context& loop, OnLine on_line, const Clock& clock)
    : loop_(loop), on_line_(std::move(on_line)), clock_(clock) {}

Result<std::unique_ptr<LineDoor>> LineDoor::open(asio::io_context& loop, const std::string& path, OnLine on_line,
                                                 const Clock& clock) {
    std::unique_ptr<LineDoor> door(new LineDoor(loop, std::move(on_line), clock));
    wire::SocketSpec spec;
    spec.path = path;
    spec.mode = 0600;
    spec.most_connections = kMostConnections;
    auto listener = wire::Listener::open(
        loop, std::move(spec), [raw = door.get()](int fd, const wire::PeerCredentials& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    door->listener_ = *std::move(listener);
    return door;
}

void LineDoor::accept(int fd, const wire::PeerCredentials& peer) {
    if (peer.uid != 0 && peer.uid != ::geteuid()) {
        ::close(fd);
        return listener_->connection_ended();
    }
    const std::uint64_t id = next_id_++;
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, id, alive = alive_](std::string_view line) {
        if (*alive) heard(id, line);
    };
    handlers.on_closed = [this, id, alive = alive_](const Error&) {
        if (!*alive) return;
        connections_.erase(id);
        listener_->connection_ended();
    };
    connections_.emplace(id, wire::LineConnection::start(loop_, fd, std::move(handlers), bounds(), clock_));
}

void LineDoor::heard(std::uint64_t id, std::string_view line) {
    const auto connection = connections_.at(id);
    const bool understood = on_line_(line, [weak = std::weak_ptr(connection)](const std::string& answer) {
        if (const auto asker = weak.lock()) asker->send(answer);
    });
    if (!understood) connection->count_malformed();
}

void LineDoor::tell_all(const std::string& line) {
    for (const auto& [id, connection] : connections_) connection->send(line);
}

void LineDoor::close() {
    *alive_ = false;
    for (const auto& [id, connection] : connections_) connection->close();
    connections_.clear();
    listener_.reset();
}

}  // namespace aerostat::balloon
