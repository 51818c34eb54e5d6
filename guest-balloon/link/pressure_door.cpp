#include "guest-balloon/link/pressure_door.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <asio/buffer.hpp>

#include "contract/wire_names.h"

namespace aerostat::guest {
namespace {

constexpr Duration kAgain = std::chrono::seconds(2);
constexpr std::size_t kMostHeard = 4096;  // in all; whoever writes more is not one of those we know

}  // namespace

struct PressureDoor::Connection {
    explicit Connection(asio::io_context& loop) : socket(loop) {}
    asio::local::stream_protocol::socket socket;
    uid_t uid = 0;
    ConditionLevel from = ConditionLevel::tight;
    std::string word;  ///< what came, as far as it may become a level
    std::size_t heard = 0;
    ConditionLevel told = ConditionLevel::ample;
    TimePoint told_at;
    std::array<char, 512> buffer{};
};

std::optional<ConditionLevel> level_written(std::string_view bytes) {
    const auto end = std::find_if(bytes.begin(), bytes.end(), [](char c) { return c < 'a' || c > 'z'; });
    return from_wire_name<ConditionLevel>(bytes.substr(0, static_cast<std::size_t>(end - bytes.begin())));
}

PressureDoor::PressureDoor(asio::io_context& loop, Bounds bounds, const Clock& clock)
    : loop_(loop), bounds_(bounds), clock_(clock) {}

PressureDoor::~PressureDoor() { *alive_ = false; }

Result<std::unique_ptr<PressureDoor>> PressureDoor::open(asio::io_context& loop, const std::string& path, Bounds bounds,
                                                         const Clock& clock) {
    std::unique_ptr<PressureDoor> door(new PressureDoor(loop, bounds, clock));
    auto listener =
        wire::Listener::open(loop, wire::open_to_all(path, bounds.connections),
                             [raw = door.get()](int fd, const wire::PeerCredentials& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    door->listener_ = *std::move(listener);
    return door;
}

void PressureDoor::accept(int fd, const wire::PeerCredentials& peer) {
    const auto of_uid = static_cast<std::size_t>(std::count_if(
        connections_.begin(), connections_.end(), [&](const auto& entry) { return entry.second->uid == peer.uid; }));
    auto connection = std::make_unique<Connection>(loop_);
    asio::error_code error;
    if (peer.uid == 0 || of_uid < bounds_.connections_per_uid)
        connection->socket.assign(asio::local::stream_protocol(), fd, error);
    if (!connection->socket.is_open()) {
        ::close(fd);
        return listener_->connection_ended();
    }
    connection->uid = peer.uid;
    const std::uint64_t id = next_id_++;
    tell(*connections_.emplace(id, std::move(connection)).first->second);
    read(id);
}

void PressureDoor::read(std::uint64_t id) {
    Connection& connection = *connections_.at(id);
    connection.socket.async_read_some(asio::buffer(connection.buffer),
                                      [this, id, alive = alive_](asio::error_code error, std::size_t count) {
                                          if (!*alive || !connections_.contains(id)) return;
                                          if (error) return forget(id);
                                          heard(id, std::string_view(connections_.at(id)->buffer.data(), count));
                                      });
}

void PressureDoor::heard(std::uint64_t id, std::string_view bytes) {
    Connection& connection = *connections_.at(id);
    constexpr std::size_t kLongestWord = 16;
    connection.heard += bytes.size();
    if (connection.heard > kMostHeard) return forget(id);
    connection.word.append(bytes.substr(0, kLongestWord - std::min(kLongestWord, connection.word.size())));
    const auto wanted = level_written(connection.word);
    if (wanted && *wanted != ConditionLevel::ample) connection.from = *wanted;
    tell(connection);
    read(id);
}

void PressureDoor::tell(ConditionLevel level) {
    level_ = level;
    for (auto& [id, connection] : connections_) tell(*connection);
}

void PressureDoor::tell(Connection& connection) {
    const TimePoint now = clock_.now();
    const bool concerns = level_ >= connection.from;
    const bool is_new = level_ > connection.told || now - connection.told_at >= kAgain;
    connection.told = concerns && is_new ? level_ : std::min(connection.told, level_);
    if (!concerns || !is_new) return;
    connection.told_at = now;
    const std::string line = std::string(wire_name(level_)) + "\n";
    // One whose buffer is full has been told already: it is readable.
    [[maybe_unused]] const auto sent =
        ::send(connection.socket.native_handle(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void PressureDoor::forget(std::uint64_t id) {
    connections_.erase(id);
    listener_->connection_ended();
}

}  // namespace aerostat::guest
