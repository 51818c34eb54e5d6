#pragma once

#include <string>
#include <vector>

#include "jvm-agent/jvm/program_port.h"

namespace aerostat::agent {

/// A balloon's counters at one moment.
struct BalloonTotals {
    HeapBalloonSize size;
    Bytes inflated;  ///< ever
    Bytes refilled;  ///< ever
    std::uint64_t cleared = 0;
};

/// What the balloon did between two moments. `cause`: what the agent was about; chunks that the collector took name
/// themselves. Pure.
[[nodiscard]] std::vector<BalloonEvent> balloon_events(const BalloonTotals& before, const BalloonTotals& now,
                                                       const std::string& cause);

}  // namespace aerostat::agent
