#pragma once

#include <string>
#include <vector>

#include "host-controller/sim/scenario.h"
#include "host-controller/sim/watch.h"

namespace aerostat::host::sim {

/// One point of a plot: averages over a stretch of time.
struct Sample {
    double hours = 0;
    Bytes resident;
    Bytes booked;
    double cost = 0;   ///< CPU seconds lost a second, over all guests
    double price = 0;  ///< per byte
};

/// What one kind of layer held on average, and lost.
struct LayerTotal {
    Bytes mean;
    double stall_seconds = 0;
};

/// How one policy did.
struct Outcome {
    std::string policy;
    Bytes mean_resident;
    Bytes peak_resident;
    double in_reserve_seconds = 0;  ///< in which guests held more than the capacity
    double stall_seconds = 0;       ///< CPU seconds lost for want of memory, over all guests
    LayerTotal heaps;               ///< of these, Java heaps
    LayerTotal caches;              ///< and page caches: what the share-out weighs against them
    std::string worst_guest;        ///< that lost most
    double worst_seconds = 0;
    std::uint64_t moves = 0;  ///< orders to layers
    Bytes moved;              ///< taken from layers, as ordered
    Violations violations;
    std::vector<Sample> samples;

    [[nodiscard]] std::uint64_t violated() const;
};

/// The scenario under a policy: the production's own decide(), tick by tick, against simulated guests. Pure.
[[nodiscard]] Outcome run(const Scenario& scenario, const SharePolicy& policy);

/// What the guests take and lose when nobody restrains them, on a host that is large enough.
[[nodiscard]] Outcome run_unrestrained(const Scenario& scenario);

}  // namespace aerostat::host::sim
