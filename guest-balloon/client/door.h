#pragma once

#include <functional>
#include <string>
#include <vector>

#include "contract/clock.h"
#include "contract/line_framer.h"
#include "contract/messages.h"

namespace aerostat::client {

/// A connection to client.sock that is made anew for ever, behind one descriptor that stays the same (an epoll set with the
/// socket and a timer in it). Never blocks. Thread: one at a time.
class Door {
public:
    /// What to say first on each new connection.
    using Greeting = std::function<std::vector<Message>()>;

    Door(std::string path, Greeting greeting) : path_(std::move(path)), greeting_(std::move(greeting)) {}
    ~Door();
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    /// Makes the descriptor and tries to connect. False: the system refused (errno).
    [[nodiscard]] bool open();
    [[nodiscard]] int fd() const { return epoll_; }

    /// All that has come, and reconnecting. A connection that was lost or won shows in `turned`.
    struct Arrivals {
        std::vector<Envelope> messages;
        bool turned = false;
    };
    [[nodiscard]] Arrivals take();

    /// False: not connected, or it does not take it; the greeting of the next connection has to do.
    bool say(const std::string& id, const Message& message);
    /// Makes the descriptor readable after this time at the latest.
    void wake_within(Duration time);

private:
    void connect();
    void lose();
    bool greet();
    void read(Arrivals& arrivals);

    const std::string path_;
    const Greeting greeting_;
    LineFramer framer_;
    int epoll_ = -1;
    int timer_ = -1;
    int socket_ = -1;
    Duration pause_{};
};

}  // namespace aerostat::client
