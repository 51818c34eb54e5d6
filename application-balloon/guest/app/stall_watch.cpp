#include "application-balloon/guest/app/stall_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace aerostat::balloon::guest {
namespace {

constexpr const char* kFile = "/proc/pressure/memory";
// With the zero that ends it: the kernel drops the last byte. Windows of two seconds need no rights.
constexpr std::array<char, sizeof("full 500000 2000000")> kTrigger{"full 500000 2000000"};

}  // namespace

StallWatch::StallWatch(asio::io_context& loop, std::function<void()> on_stall)
    : file_(loop), on_stall_(std::move(on_stall)) {
    const int fd = ::open(kFile, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ::write(fd, kTrigger.data(), kTrigger.size()) < 0) {
        trouble_ = std::string(kFile) + ": " + std::strerror(errno);
        if (fd >= 0) ::close(fd);
        return;
    }
    asio::error_code error;
    file_.assign(fd, error);
    if (error) {
        trouble_ = std::string(kFile) + ": " + error.message();
        ::close(fd);
        return;
    }
    wait();
}

void StallWatch::wait() {
    file_.async_wait(asio::posix::stream_descriptor::wait_error, [this](asio::error_code error) {
        if (error) return;
        pollfd state{file_.native_handle(), POLLPRI, 0};
        ::poll(&state, 1, 0);
        if ((state.revents & POLLERR) != 0) return;
        on_stall_();
        wait();
    });
}

void StallWatch::stop() {
    asio::error_code ignored;
    file_.close(ignored);
}

}  // namespace aerostat::balloon::guest
