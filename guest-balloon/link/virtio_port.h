#pragma once

#include <functional>
#include <string>

#include "wire/connector.h"
#include "wire/retry_timer.h"

namespace aerostat::guest {

/// How often a port is looked at.
struct PortPace {
    wire::Backoff backoff;                          ///< while it cannot be opened, or the host turns us away
    Duration unattended = std::chrono::seconds(1);  ///< at most, while no host is attached
};

/// A virtio-serial port as a source of connections: one for each time a host attaches.
///
/// The port opens once and stays open. Closing it would throw away what the host has already sent, in the middle of a line,
/// and let another process take it. So each connection gets a duplicate of the descriptor, and closing that leaves the port
/// as it is.
/// With no host attached the port says POLLHUP for as long as that lasts, so it cannot be waited for in the loop; it is
/// looked at now and then instead: one read() a second. What arrived before a connection begins is thrown away: it cannot be
/// meant for a session that did not exist yet.
/// A port that was unplugged is let go and looked for again.
/// Source: Linux, drivers/char/virtio_console.c (port_fops_*, unplug_port). Thread: the io_context's.
class VirtioPort final : public wire::Connector {
public:
    using Open = std::function<Result<int>()>;  ///< the port, non-blocking; owned by us

    /// `name`: for messages.
    VirtioPort(asio::io_context& loop, std::string name, Open open, PortPace pace, OnConnected on_connected,
               OnFailed on_failed);
    ~VirtioPort() override;

    void start() override;
    void retry_later() override;
    void stop() override;
    [[nodiscard]] std::uint64_t failures() const override { return failures_; }
    [[nodiscard]] bool outlives_connections() const override { return true; }
    /// How often the port was looked at; what an idle guest pays for.
    [[nodiscard]] std::uint64_t looks() const { return looks_; }

private:
    void look();
    void failed(const Error& why, Duration at_most);
    void let_go();

    std::string name_;
    Open open_;
    PortPace pace_;
    OnConnected on_connected_;
    OnFailed on_failed_;
    wire::RetryTimer timer_;
    int port_ = -1;
    std::uint64_t failures_ = 0;
    std::uint64_t looks_ = 0;
};

}  // namespace aerostat::guest
