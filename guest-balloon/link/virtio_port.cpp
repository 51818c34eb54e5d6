#include "guest-balloon/link/virtio_port.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace aerostat::guest {
namespace {

// More than this the kernel and QEMU do not hold for us; a host that sends for ever must not keep us here.
constexpr std::size_t kMostEarlyBytes = 1024UL * 1024;

enum class Attendance { attached, unattended, unplugged };

// Throws away what is there to read, and learns from how that ends who is there.
Attendance drain(int port) {
    std::array<char, 16UL * 1024> rubbish{};
    std::size_t total = 0;
    while (total < kMostEarlyBytes) {
        const ssize_t got = ::read(port, rubbish.data(), rubbish.size());
        if (got == 0) return Attendance::unattended;
        if (got > 0) {
            total += static_cast<std::size_t>(got);
        } else if (errno == EAGAIN) {
            return Attendance::attached;
        } else if (errno != EINTR) {
            // A terminal (a lab's stand-in for a port) says EIO where a port says 0.
            return errno == EIO ? Attendance::unattended : Attendance::unplugged;
        }
    }
    return Attendance::attached;
}

}  // namespace

VirtioPort::VirtioPort(asio::io_context& loop, std::string name, Open open, PortPace pace, OnConnected on_connected,
                       OnFailed on_failed)
    : name_(std::move(name)),
      open_(std::move(open)),
      pace_(pace),
      on_connected_(std::move(on_connected)),
      on_failed_(std::move(on_failed)),
      timer_(loop, pace.backoff) {}

VirtioPort::~VirtioPort() { VirtioPort::stop(); }

void VirtioPort::start() {
    timer_.reset();
    timer_.now([this] { look(); });
}

void VirtioPort::retry_later() {
    ++failures_;
    timer_.again([this] { look(); });
}

void VirtioPort::stop() {
    timer_.cancel();
    let_go();
}

void VirtioPort::look() {
    ++looks_;
    if (port_ < 0) {
        auto opened = open_();
        if (!opened) return failed(opened.error(), pace_.backoff.longest);
        port_ = *opened;
    }
    switch (drain(port_)) {
        case Attendance::unattended:
            return failed(Error{ErrorCode::disconnected, "no host is attached to virtio-serial port " + name_},
                          pace_.unattended);
        case Attendance::unplugged:
            let_go();
            return failed(Error{ErrorCode::not_found, "virtio-serial port " + name_ + " was unplugged"},
                          pace_.backoff.longest);
        case Attendance::attached:
            break;
    }
    const int connection = ::fcntl(port_, F_DUPFD_CLOEXEC, 0);
    if (connection < 0) return failed(error_from_errno("duplicating port " + name_, errno), pace_.backoff.longest);
    failures_ = 0;
    on_connected_(connection);
}

void VirtioPort::failed(const Error& why, Duration at_most) {
    ++failures_;
    timer_.again([this] { look(); }, at_most);
    if (on_failed_) on_failed_(why);
}

void VirtioPort::let_go() {
    if (port_ >= 0) ::close(port_);
    port_ = -1;
}

}  // namespace aerostat::guest
