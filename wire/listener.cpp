#include "wire/listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace aerostat::wire {
namespace {

// Writes our pid into the lock file, for the error message of a second daemon.
void write_pid(int lock_fd) {
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock_fd, 0) == 0) {
        [[maybe_unused]] const ssize_t written = ::pwrite(lock_fd, text.data(), text.size(), 0);  // only a courtesy
    }
}

std::string pid_in(int lock_fd) {
    std::array<char, 16> text{};
    const ssize_t got = ::pread(lock_fd, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
    return pid.empty() ? "unknown pid" : "pid " + pid;
}

Result<int> take_lock(const std::string& socket_path) {
    const std::string path = socket_path + ".lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        Error error = error_from_errno("creating " + path, errno);
        error.message += "; does the directory exist, and may this user write there?";
        return tl::unexpected(std::move(error));
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int number = errno;
        const std::string owner = pid_in(fd);
        ::close(fd);
        if (number != EWOULDBLOCK) return tl::unexpected(error_from_errno("locking " + path, number));
        return fail(ErrorCode::busy, "another daemon (" + owner + ") already serves " + socket_path +
                                         "; stop it, or give this one another directory");
    }
    write_pid(fd);
    return fd;
}

// With the lock in hand, a socket file in the way belongs to a dead daemon. Anything else is not ours to remove.
Status remove_stale_socket(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return {};
    if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::bad_value, path + " exists and is not a socket; move it away");
    if (::unlink(path.c_str()) != 0) return tl::unexpected(error_from_errno("removing the stale socket " + path, errno));
    return {};
}

}  // namespace

Listener::Listener(asio::io_context& loop, SocketSpec spec, OnAccept on_accept, int lock_fd)
    : acceptor_(loop), spec_(std::move(spec)), on_accept_(std::move(on_accept)), lock_fd_(lock_fd) {}

Listener::~Listener() {
    *alive_ = false;
    if (bound_) ::unlink(spec_.path.c_str());
    ::close(lock_fd_);
}

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& loop, SocketSpec spec, OnAccept on_accept) {
    if (spec.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(ErrorCode::bad_value,
                    spec.path + " is too long for a unix socket (107 bytes at most); choose a shorter directory");
    }
    auto lock = take_lock(spec.path);
    if (!lock) return tl::unexpected(lock.error());
    std::unique_ptr<Listener> listener(new Listener(loop, std::move(spec), std::move(on_accept), *lock));
    if (auto bound = listener->bind_and_listen(); !bound) return tl::unexpected(bound.error());
    listener->accept_next();
    return listener;
}

Status Listener::bind_and_listen() {
    if (auto removed = remove_stale_socket(spec_.path); !removed) return removed;
    asio::error_code error;
    const asio::local::stream_protocol::endpoint endpoint(spec_.path);
    acceptor_.open(endpoint.protocol(), error);
    // Created closed to everybody and opened by chmod, so that there is no moment with wider rights than asked for.
    const mode_t before = ::umask(0177);
    if (!error) acceptor_.bind(endpoint, error);
    ::umask(before);
    if (error) return fail(ErrorCode::io, "binding " + spec_.path + ": " + error.message());
    bound_ = true;
    if (spec_.group && ::chown(spec_.path.c_str(), static_cast<uid_t>(-1), *spec_.group) != 0) {
        return tl::unexpected(error_from_errno("giving " + spec_.path + " to its group", errno));
    }
    if (::chmod(spec_.path.c_str(), spec_.mode) != 0)
        return tl::unexpected(error_from_errno("setting the mode of " + spec_.path, errno));
    acceptor_.listen(spec_.backlog, error);
    if (error) return fail(ErrorCode::io, "listening on " + spec_.path + ": " + error.message());
    return {};
}

void Listener::accept_next() {
    acceptor_.async_accept([this, alive = alive_](asio::error_code error, asio::local::stream_protocol::socket socket) {
        if (!*alive || error == asio::error::operation_aborted) return;
        if (!error) {
            if (open_connections_ >= spec_.most_connections) {
                ++turned_away_;  // closed by leaving the scope
            } else if (auto peer = peer_credentials(socket.native_handle())) {
                ++open_connections_;
                asio::error_code ignored;
                socket.non_blocking(true, ignored);
                on_accept_(socket.release(), *peer);
            }
        }
        if (*alive) accept_next();
    });
}

void Listener::connection_ended() {
    if (open_connections_ > 0) --open_connections_;
}

}  // namespace aerostat::wire
