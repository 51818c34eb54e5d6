#include "guest-balloon/client/door.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "contract/codec.h"
#include "contract/names.h"

namespace aerostat::client {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(100);
constexpr Duration kLongestPause = std::chrono::seconds(2);

bool watch(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.fd = fd;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Anybody who may write to the directory could serve a socket there, and ask caches for all they have.
bool is_trustworthy(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

Door::~Door() {
    for (const int fd : {socket_, timer_, epoll_}) {
        if (fd >= 0) ::close(fd);
    }
}

bool Door::open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (epoll_ < 0 || timer_ < 0 || !watch(epoll_, timer_)) return false;
    connect();
    return true;
}

void Door::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return;  // no socket can be there
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool connected = socket_ >= 0 &&
                           ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                           is_trustworthy(socket_) && watch(epoll_, socket_);
    framer_ = LineFramer();
    if (!connected || !greet()) lose();
}

bool Door::greet() {
    for (const Message& message : greeting_()) {
        if (!say(fresh_id(), message)) return false;
    }
    return true;
}

void Door::lose() {
    if (socket_ >= 0) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket_, nullptr);  // closing does not suffice while a forked child has it, too
        ::close(socket_);
    }
    socket_ = -1;
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    wake_within(pause_);
}

void Door::wake_within(Duration time) {
    itimerspec next{};
    const auto count = std::max<Duration::rep>(1, time.count());
    next.it_value.tv_sec = count / 1'000'000'000;
    next.it_value.tv_nsec = count % 1'000'000'000;
    itimerspec set{};
    const bool is_sooner_set = ::timerfd_gettime(timer_, &set) == 0 && (set.it_value.tv_sec || set.it_value.tv_nsec) &&
                               std::chrono::seconds(set.it_value.tv_sec) + Duration(set.it_value.tv_nsec) < time;
    if (!is_sooner_set) ::timerfd_settime(timer_, 0, &next, nullptr);
}

bool Door::say(const std::string& id, const Message& message) {
    if (socket_ < 0) return false;
    const auto line = encode(Envelope{id, message});
    if (!line) return false;
    // A line is short and the buffer empty: one that does not fit in whole means a daemon that does not read.
    return ::send(socket_, line->data(), line->size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(line->size());
}

Door::Arrivals Door::take() {
    Arrivals arrivals;
    std::uint64_t expirations = 0;
    const bool timer_rang = ::read(timer_, &expirations, sizeof expirations) > 0;
    if (socket_ >= 0) {
        read(arrivals);
    } else if (timer_rang) {
        connect();
        arrivals.turned = socket_ >= 0;
        if (arrivals.turned) read(arrivals);
    }
    return arrivals;
}

void Door::read(Arrivals& arrivals) {
    constexpr int kMostAtOnce = 16;  // whoever floods us is not waited for
    std::array<char, 8192> buffer{};
    for (int i = 0; i < kMostAtOnce; ++i) {
        const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            lose();
            arrivals.turned = true;
            return;
        }
        framer_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)), [&](std::string_view line) {
            auto envelope = decode_message(line);
            if (!envelope) return;
            pause_ = Duration{};  // it is a guestd that serves, not one that only lets us in
            arrivals.messages.push_back(*std::move(envelope));
        });
    }
}

}  // namespace aerostat::client
