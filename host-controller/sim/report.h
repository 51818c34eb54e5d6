#pragma once

#include <string>
#include <vector>

#include "host-controller/sim/run.h"

namespace aerostat::host::sim {

/// A scenario under several policies, beside what its guests do unrestrained.
struct Comparison {
    std::string scenario;
    Duration length{};
    std::size_t guests = 0;
    Bytes memory;
    Bytes capacity;
    Outcome unrestrained;
    std::vector<Outcome> outcomes;

    /// Of what unrestrained guests hold, on average.
    [[nodiscard]] double saved(const Outcome& outcome) const;
    [[nodiscard]] std::uint64_t violated() const;
};

/// For people: a table, and below it the first violation of each kind.
[[nodiscard]] std::string render(const Comparison& comparison);

/// Resident memory and lost CPU over time, a panel each for each policy. A complete SVG document.
[[nodiscard]] std::string plot(const Comparison& comparison);

}  // namespace aerostat::host::sim
