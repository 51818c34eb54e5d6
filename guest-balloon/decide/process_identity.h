#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace aerostat::guest {

/// One process of this guest, beyond the reuse of its pid. From the kernel (SO_PEERCRED, /proc), never from a message.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  ///< 0: could not be read; then the pid alone counts
    uid_t uid = 0;
    bool operator==(const ProcessIdentity&) const = default;
};

/// Port: true while the process runs (a zombie does not).
using IsAlive = std::function<bool(const ProcessIdentity&)>;

/// Number of an agent's connection; never used twice in a daemon's life.
using ConnectionId = std::uint64_t;

}  // namespace aerostat::guest
