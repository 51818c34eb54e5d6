#pragma once

#include <cstdint>
#include <functional>

#include "contract/error.h"

namespace aerostat::wire {

/// What brings connections to one peer about, one after the other, for ever: a unix socket's dialer, a virtio-serial port.
/// Thread: the io_context's. No callback is called from inside start(), retry_later() or stop().
class Connector {
public:
    using OnConnected = std::function<void(int fd)>;         ///< connected, non-blocking; owned by the callee
    using OnFailed = std::function<void(const Error& why)>;  ///< an attempt failed; it tries again by itself

    Connector() = default;
    virtual ~Connector() = default;
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Tries now. Used once at the beginning; and after a lost connection that had been good (resets the pause).
    virtual void start() = 0;
    /// Tries after the next pause: for a peer that accepted and then turned us away.
    virtual void retry_later() = 0;
    virtual void stop() = 0;
    /// Attempts since the last success.
    [[nodiscard]] virtual std::uint64_t failures() const = 0;
    /// Whether the channel lasts longer than the connections over it. Then the peer may still hold half a line of ours when
    /// a connection begins, and may be replaced without our seeing an end.
    [[nodiscard]] virtual bool outlives_connections() const = 0;
};

}  // namespace aerostat::wire
