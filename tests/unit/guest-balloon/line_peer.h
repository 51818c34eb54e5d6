#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "contract/codec.h"
#include "contract/line_framer.h"

namespace aerostat::guest {

/// The other end of a link, in the test's hand: writes lines, keeps what it reads. Owns the descriptor.
class Peer {
public:
    explicit Peer(int fd) : fd_(fd) { ::fcntl(fd_, F_SETFL, O_NONBLOCK); }
    ~Peer() { ::close(fd_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void write(const std::string& text) { EXPECT_EQ(write_some(text), text.size()); }
    /// How much of it went out.
    std::size_t write_some(std::string_view text) {
        const ssize_t sent = ::write(fd_, text.data(), text.size());
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    void say(const Message& message, const std::string& id = "m1") { write(*encode(Envelope{id, message})); }
    /// True once a further message has been read; it is in `last`. What is no message is passed over.
    bool hears() {
        char bytes[4096];
        const ssize_t got = ::read(fd_, bytes, sizeof bytes);
        ended = ended || got == 0;
        if (got > 0)
            framer_.feed(std::string_view(bytes, static_cast<std::size_t>(got)),
                         [this](std::string_view line) { lines_.emplace_back(line); });
        while (!lines_.empty()) {
            auto message = decode_message(lines_.front());
            lines_.pop_front();
            if (!message) continue;
            last = *std::move(message);
            return true;
        }
        return false;
    }
    Envelope last;
    bool ended = false;

private:
    int fd_;
    LineFramer framer_;
    std::deque<std::string> lines_;
};

}  // namespace aerostat::guest
