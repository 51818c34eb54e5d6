#include "wire/request_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "contract/line_framer.h"

namespace aerostat::wire {
namespace {

Error connect_error(const std::string& path, int number) {
    Error error = error_from_errno("connecting to " + path, number);
    if (number == ENOENT || number == ECONNREFUSED) {
        error.code = ErrorCode::not_found;
        error.message += "; is the daemon running, and is this its control socket?";
    }
    if (number == EACCES || number == EPERM) {
        error.code = ErrorCode::denied;
        error.message += "; run as root or as a member of the socket's group";
    }
    return error;
}

// Waits for the descriptor until `until`. False when the time is over.
bool wait_for(int fd, short events, TimePoint until, const Clock& clock) {
    for (;;) {
        const Millis left = to_millis(until - clock.now());
        if (left.count() < 0) return false;
        pollfd waited{fd, events, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left.count() + 1, 1'000'000)));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

Status write_all(int fd, std::string_view text, TimePoint until, const Clock& clock) {
    while (!text.empty()) {
        if (!wait_for(fd, POLLOUT, until, clock)) return fail(ErrorCode::timed_out, "the daemon does not read requests");
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent < 0) return fail(ErrorCode::disconnected, "the daemon closed the connection");
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

/// Collects the parts of the answer to one request.
class Answer {
public:
    explicit Answer(std::string id) : id_(std::move(id)) {}

    void take(std::string_view line) {
        if (failure) return;
        auto part = decode_reply(line);
        if (!part) {
            failure = part.error();
        } else if (part->id == id_) {
            if (!reply_)
                reply_ = *std::move(part);
            else if (auto appended = append_part(*reply_, *std::move(part)); !appended)
                failure = appended.error();
        }
    }
    [[nodiscard]] bool complete() const { return reply_ && !reply_->more; }
    [[nodiscard]] ControlReply reply() && { return *std::move(reply_); }

    std::optional<Error> failure;

private:
    std::string id_;
    std::optional<ControlReply> reply_;
};

}  // namespace

Result<RequestClient> RequestClient::connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(ErrorCode::bad_value, "\"" + path + "\" cannot be the path of a unix socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    RequestClient client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (client.fd_ < 0) return tl::unexpected(error_from_errno("making a socket", errno));
    // The sockets API takes every family's address through this pointer type.
    if (::connect(client.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return tl::unexpected(connect_error(path, errno));
    }
    return client;
}

RequestClient::RequestClient(RequestClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RequestClient& RequestClient::operator=(RequestClient&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

RequestClient::~RequestClient() {
    if (fd_ >= 0) ::close(fd_);
}

Result<ControlReply> RequestClient::ask(const ControlRequest& request, Duration within) {
    const SystemClock clock;
    const TimePoint until = clock.now() + within;
    auto line = encode(request);
    if (!line) return tl::unexpected(line.error());
    if (auto sent = write_all(fd_, *line, until, clock); !sent) return tl::unexpected(sent.error());
    LineFramer framer;
    Answer answer(request.id);
    std::array<char, 16 * 1024> buffer{};
    while (!answer.complete()) {
        if (!wait_for(fd_, POLLIN, until, clock))
            return fail(ErrorCode::timed_out, "no answer from the daemon within " + format_duration(within));
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(ErrorCode::disconnected, "the daemon closed the connection before it answered");
        framer.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)),
                    [&](std::string_view text) { answer.take(text); });
        if (answer.failure) return tl::unexpected(*answer.failure);
    }
    return std::move(answer).reply();
}

}  // namespace aerostat::wire
