#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "contract/control.h"
#include "host-controller/metrics/tally.h"

namespace aerostat::host::metrics {

/// JVMs on a page; what further ones there are is counted, not shown. Keeps the time that a page costs the loop bounded.
inline constexpr std::size_t kMostJvms = 2'000;

/// The daemon's own process.
struct OwnProcess {
    Duration cpu{};
    Bytes resident;
    std::uint64_t open_files = 0;
    double started_unix_s = 0;
};

/// Everything that a page is made of.
struct Scene {
    StatusView status;  ///< as operators see it
    std::string backend;
    std::string level;  ///< "ample", "advisory", "tight", "critical"
    bool reloaded_well = true;
    std::size_t running_operations = 0;
    Tally tally;
    std::optional<OwnProcess> process;
};

/// The page in Prometheus' text format 0.0.4. Names, units and meaning: docs/metrics.md. What is unknown is left out.
[[nodiscard]] std::string expose(const Scene& scene);

}  // namespace aerostat::host::metrics
