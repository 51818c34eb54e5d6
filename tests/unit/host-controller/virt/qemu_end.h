#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "contract/codec.h"
#include "contract/line_framer.h"

namespace aerostat::host::virt {

/// QEMU's end of a channel, and the guest behind it, in the test's hand. Accepts by itself, as QEMU does: one at a time.
class QemuEnd {
public:
    explicit QemuEnd(const std::string& path) : door_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        ::unlink(path.c_str());
        EXPECT_EQ(::bind(door_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(door_, 4), 0);
    }
    ~QemuEnd() {
        hang_up();
        ::close(door_);
    }
    QemuEnd(const QemuEnd&) = delete;
    QemuEnd& operator=(const QemuEnd&) = delete;

    /// True once the host is connected.
    bool is_dialled() {
        if (host_ < 0) host_ = ::accept4(door_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        return host_ >= 0;
    }
    void hang_up() {
        if (host_ >= 0) ::close(host_);
        host_ = -1;
        framer_.reset();
    }
    void write(const std::string& text) {
        EXPECT_EQ(::send(host_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void say(const Message& message, const std::string& id = "m1") { write(*encode(Envelope{id, message})); }
    void say_hello(const std::string& session, const std::string& name = "guest") {
        Hello hello;
        hello.role = Role::guest;
        hello.name = name;
        hello.session = session;
        hello.software = "0.1.0";
        say(hello, "hello-" + session);
    }
    /// True once a further message of this type has been read; it is in `last`. Others are passed over.
    template <class T>
    bool hears() {
        char bytes[4096];
        const ssize_t got = host_ >= 0 ? ::read(host_, bytes, sizeof bytes) : 0;
        if (got > 0) {
            raw.append(bytes, static_cast<std::size_t>(got));
            framer_.feed(std::string_view(bytes, static_cast<std::size_t>(got)),
                         [this](std::string_view line) { lines_.push_back(*decode_message(line)); });
        }
        while (!lines_.empty()) {
            last = std::move(lines_.front());
            lines_.pop_front();
            if (std::holds_alternative<T>(last.body)) return true;
        }
        return false;
    }
    template <class T>
    [[nodiscard]] const T& heard() const {
        return std::get<T>(last.body);
    }
    Envelope last;
    std::string raw;

private:
    int door_;
    int host_ = -1;
    LineFramer framer_;
    std::deque<Envelope> lines_;
};

}  // namespace aerostat::host::virt
