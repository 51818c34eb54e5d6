#pragma once

#include <string>
#include <vector>

namespace aerostat::guest {

struct SelfProtection {
    bool lock_memory = true;   ///< guestd's pages stay in memory
    int oom_score_adj = -900;  ///< how unlikely the kernel is to kill it, -1000 to 1000
    bool operator==(const SelfProtection&) const = default;
};

/// Makes the daemon survive the shortage it is there to end: locks its memory, sets its oom_score_adj, and keeps freed
/// memory in reserve. What the system does not allow is named. To be called before threads are started. `root` stands before
/// /proc.
[[nodiscard]] std::vector<std::string> protect_ourselves(const SelfProtection& wanted, const std::string& root);

}  // namespace aerostat::guest
