#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "contract/clock.h"
#include "wire/line_connection.h"
#include "wire/listener.h"

namespace aerostat::balloon {

/// The socket of one of the two small processes: for root and for its own user, few connections, a line in and a line out.
/// Thread: the io_context's.
class LineDoor {
public:
    /// Takes an answer, with its newline, to who has asked: at once or later. Nobody hears it who has gone, or once the door
    /// has. Thread: the io_context's.
    using Reply = std::function<void(const std::string& answer)>;
    /// False: the line was malformed, and there will be no answer.
    using OnLine = std::function<bool(std::string_view line, const Reply& reply)>;
    /// Fails as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<LineDoor>> open(asio::io_context& loop, const std::string& path,
                                                                OnLine on_line, const Clock& clock);
    ~LineDoor() { close(); }
    LineDoor(const LineDoor&) = delete;
    LineDoor& operator=(const LineDoor&) = delete;

    /// To everybody who is connected.
    void tell_all(const std::string& line);
    /// Ends all connections, and takes no more.
    void close();

private:
    LineDoor(asio::io_context& loop, OnLine on_line, const Clock& clock);
    void accept(int fd, const wire::PeerCredentials& peer);
    void heard(std::uint64_t id, std::string_view line);

    asio::io_context& loop_;
    OnLine on_line_;
    const Clock& clock_;
    std::unique_ptr<wire::Listener> listener_;
    std::map<std::uint64_t, std::shared_ptr<wire::LineConnection>> connections_;
    std::uint64_t next_id_ = 1;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::balloon
