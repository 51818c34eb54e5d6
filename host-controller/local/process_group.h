#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "contract/error.h"
#include "procfs/process.h"

namespace aerostat::host::local {

/// Where a process stands among others.
struct Place {
    pid_t pid = 0;
    pid_t session = 0;
    std::uint64_t session_start = 0;  ///< start time of the session's leader, or of the process itself once that has ended
    std::string cgroup;
};

/// Which processes make up a guest: all of a session, or all of a cgroup and those below it. The host derives it itself
/// from the peer's pid; nothing a guest says is part of it.
struct ProcessGroup {
    pid_t session = 0;  ///< used when cgroup is empty
    std::uint64_t session_start = 0;
    std::string cgroup;

    /// "session:SID:START" or "cgroup:/path".
    [[nodiscard]] std::string text() const;
    bool operator==(const ProcessGroup&) const = default;
};

/// The place of a living process. Fails: `not_found`, `io`.
[[nodiscard]] Result<Place> place_of(pid_t pid);

/// The guest that a peer belongs to: its cgroup if the daemon itself is outside that, else its session if that is another
/// than the daemon's. Fails: `refused` if it shares both with the daemon, with what to do about it.
[[nodiscard]] Result<ProcessGroup> group_of(const Place& peer, const Place& own);

/// Reads text() back. Fails: `bad_value`.
[[nodiscard]] Result<ProcessGroup> parse_group(const std::string& text);

/// True if a process with this session and cgroup is one of the group's.
[[nodiscard]] bool belongs(const ProcessGroup& group, pid_t session, const std::string& cgroup);

}  // namespace aerostat::host::local
