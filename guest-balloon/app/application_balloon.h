#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include "application-balloon/contract/wire.h"
#include "application-balloon/link/line_caller.h"

namespace aerostat::guest {

/// Passes on what the host and this guest's aerostat-balloon say to each other, and knows what that holds. It has no rights
/// over memory itself: the one process sees the host, the other one frame numbers. Thread: the loop's.
class ApplicationBalloon {
public:
    struct Ports {
        std::function<void(const std::string& line)> tell_host;  ///< lost if no host is there
        std::function<bool()> has_host;
        std::function<bool()> is_off;  ///< the guest's off switch: nothing more is taken
    };
    ApplicationBalloon(asio::io_context& loop, const std::string& socket, Ports ports, const Clock& clock);

    void start() { caller_.start(); }
    /// A line of the host's, of this session. What is no request is counted and dropped.
    void host_says(std::string_view line);
    /// Answers to what was asked before are nobody's any more.
    void host_changed() { ++era_; }
    /// Once a second: looks what is held, and tells the host. What an earlier host has left half done goes back to the
    /// guest.
    void look();
    /// Everything back to the guest, whatever is known of it: it stalls, and no host is there to hear of it.
    void release();

    /// Of the guest's memory, held by it, as of its last answer; nothing once it has gone.
    [[nodiscard]] Bytes held() const { return held_; }
    /// Why it does not work, for people; empty: it does.
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] std::uint64_t malformed_lines() const { return malformed_; }

private:
    void pass_on(const balloon::BalloonRequest& request);
    void ask(balloon::BalloonRequest request, std::function<void(Result<balloon::BalloonAnswer>)> then);
    void heard(std::string_view line);
    void looked(const Result<balloon::BalloonAnswer>& answer);
    void note(const balloon::State& state);
    void tell(const balloon::BalloonAnswer& answer);

    Ports ports_;
    balloon::RequestId next_id_ = 1;
    std::size_t passed_on_ = 0;
    bool looking_ = false;
    std::uint64_t era_ = 0;
    std::uint64_t malformed_ = 0;
    Bytes held_;
    std::string method_;
    balloon::LineCaller caller_;
};

}  // namespace aerostat::guest
