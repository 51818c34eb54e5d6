#include "daemon/control_server.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <asio/post.hpp>

#include "contract/codec.h"

namespace aerostat::daemon {
namespace {

// An operator's tool asks a few times a second; a script that asks 50 times is still served.
constexpr wire::ConnectionBounds kOperatorBounds{
    .queued_bytes = 4 * 1024 * 1024, .lines_per_second = 50, .burst_lines = 200, .malformed_lines = 20};
constexpr std::size_t kMostOperators = 64;
// Of one user who is neither root nor the daemon's own; those without a role, all together. So nobody who may not order can
// keep those out who may.
constexpr std::size_t kMostOfOneUser = 16;
constexpr std::size_t kMostStrangers = 8;
// Of all others together: the rest is root's and the daemon's own user's.
constexpr std::size_t kMostOfOthers = 48;

bool belongs_to(const wire::PeerCredentials& peer, const std::optional<gid_t>& group) {
    return group && (peer.gid == *group || std::find(peer.groups.begin(), peer.groups.end(), *group) != peer.groups.end());
}

// Root and the daemon's own user may do everything.
bool is_master(const wire::PeerCredentials& peer) { return peer.uid == 0 || peer.uid == ::geteuid(); }

// The id for an answer to a line that could not be read, when it carries none itself.
std::string answer_id(std::string_view line) {
    std::string id = id_of_malformed(line);
    return id.empty() ? "unknown" : id;
}

}  // namespace

bool ControlAccess::allows(const wire::PeerCredentials& peer, Permission wanted) const {
    if (is_master(peer)) return true;
    if (belongs_to(peer, operate_group)) return true;
    return wanted == Permission::read && belongs_to(peer, read_group);
}

ControlServer::ControlServer(asio::io_context& loop, ControlAccess access, OnRequest on_request, const Clock& clock)
    : loop_(loop), access_(access), on_request_(std::move(on_request)), clock_(clock) {}

ControlServer::~ControlServer() {
    *alive_ = false;
    for (auto& [number, connection] : connections_) connection.line->close();
}

Result<std::unique_ptr<ControlServer>> ControlServer::open(asio::io_context& loop, const std::string& path,
                                                           ControlAccess access, OnRequest on_request, const Clock& clock) {
    std::unique_ptr<ControlServer> server(new ControlServer(loop, access, std::move(on_request), clock));
    // A socket file has one group. With two of them set its mode opens to all, and every request is checked by credentials.
    wire::SocketSpec spec{.path = path, .mode = 0660, .group = access.operate_group, .most_connections = kMostOperators};
    if (access.read_group && access.operate_group && *access.read_group != *access.operate_group) {
        spec = wire::open_to_all(path, kMostOperators);
    } else if (access.read_group) {
        spec.group = access.read_group;
    }
    auto listener = wire::Listener::open(
        loop, std::move(spec), [raw = server.get()](int fd, const wire::PeerCredentials& peer) { raw->accept(fd, peer); });
    if (!listener) return tl::unexpected(listener.error());
    server->listener_ = *std::move(listener);
    return server;
}

bool ControlServer::has_room_for(const wire::PeerCredentials& peer) const {
    if (is_master(peer)) return true;
    const bool is_stranger = !access_.allows(peer, Permission::read);
    std::size_t of_user = 0;
    std::size_t strangers = 0;
    std::size_t others = 0;
    for (const auto& [number, connection] : connections_) {
        of_user += connection.peer.uid == peer.uid ? 1U : 0U;
        others += is_master(connection.peer) ? 0U : 1U;
        strangers += access_.allows(connection.peer, Permission::read) ? 0U : 1U;
    }
    return others < kMostOfOthers && of_user < kMostOfOneUser && (!is_stranger || strangers < kMostStrangers);
}

void ControlServer::accept(int fd, const wire::PeerCredentials& peer) {
    if (!has_room_for(peer)) {
        ::close(fd);
        ++cut_off_;
        return listener_->connection_ended();
    }
    const std::uint64_t number = next_connection_++;
    wire::LineConnection::Handlers handlers{
        .on_line = [this, number](std::string_view line) { on_line(number, line); },
        .on_closed =
            [this, number, alive = alive_](const Error& why) {
                if (*alive) on_closed(number, why);
            },
    };
    connections_[number] = {wire::LineConnection::start(loop_, fd, std::move(handlers), kOperatorBounds, clock_), peer};
}

void ControlServer::on_line(std::uint64_t number, std::string_view line) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    auto request = decode_request(line);
    if (!request) {
        found->second.line->count_malformed();
        return reply(number, {.id = answer_id(line), .more = false, .error = request.error(), .body = {}});
    }
    if (!access_.allows(found->second.peer, permission_for(request->command))) {
        const std::string needed = permission_for(request->command) == Permission::operate ? "operate" : "read";
        return reply(number, {.id = request->id,
                              .more = false,
                              .error = Error{ErrorCode::denied,
                                             "\"" + std::string(to_string(request->command)) + "\" needs the " + needed +
                                                 " role; uid " + std::to_string(found->second.peer.uid) + " has not got it"},
                              .body = {}});
    }
    on_request_(*request, [this, number, id = request->id, alive = alive_](ControlReply answer) {
        if (!*alive) return;
        answer.id = id;
        reply(number, answer);
    });
}

void ControlServer::reply(std::uint64_t number, const ControlReply& answer) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    auto lines = encode(answer);
    if (!lines) {
        lines = encode(ControlReply{
            .id = answer.id, .more = false, .error = Error{ErrorCode::internal, lines.error().message}, .body = {}});
    }
    if (lines) found->second.line->send(*std::move(lines));
}

void ControlServer::on_closed(std::uint64_t number, const Error& why) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    malformed_of_closed_ += found->second.line->malformed();
    if (why.code == ErrorCode::refused) ++cut_off_;
    connections_.erase(found);
    if (listener_) listener_->connection_ended();
}

void ControlServer::close(Duration within) {
    listener_.reset();
    for (auto& [number, connection] : connections_) connection.line->close_after_writing(within);
}

std::uint64_t ControlServer::malformed_lines() const {
    std::uint64_t sum = malformed_of_closed_;
    for (const auto& [number, connection] : connections_) sum += connection.line->malformed();
    return sum;
}

Result<gid_t> group_by_name(const std::string& name) {
    group found{};
    group* result = nullptr;
    std::array<char, 16 * 1024> buffer{};
    const int error = ::getgrnam_r(name.c_str(), &found, buffer.data(), buffer.size(), &result);
    if (error != 0) return tl::unexpected(error_from_errno("looking up group " + name, error));
    if (!result) return fail(ErrorCode::not_found, "no such group: \"" + name + "\"; create it, or name another");
    return found.gr_gid;
}

}  // namespace aerostat::daemon
