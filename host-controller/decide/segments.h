#pragma once

#include <cstdint>
#include <vector>

#include "contract/units.h"

namespace aerostat::host {

/// A stretch of a layer's cost curve: `length` bytes, each of which saves `slope` (weighted).
struct Segment {
    double slope = 0;
    Bytes length;
    std::uint32_t guest = 0;
    std::uint32_t layer = 0;
};

/// Where the steepest `amount` bytes end.
struct Selection {
    double price = 0;  ///< the slope at which they end; 0 if they all fit
    bool all = false;  ///< the segments together are no longer than the amount
};

/// Weighted selection, O(n) on average; reorders `segments`.
[[nodiscard]] Selection select_steepest(std::vector<Segment>& segments, Bytes amount);

}  // namespace aerostat::host
