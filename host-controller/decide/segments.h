#pragma once

#include <cstdint>
#include <vector>

#include "contract/cost_curve.h"

namespace aerostat::host {

/// A stretch of a layer's cost curve: `length` bytes, each of which saves `slope` (weighted).
struct Segment {
    double slope = 0;
    Bytes length;
    std::uint32_t guest = 0;
    std::uint32_t layer = 0;
};

/// What a byte between two neighbouring corners of a curve saves, weighted; never negative.
[[nodiscard]] inline double slope_between(const CostPoint& left, const CostPoint& right, double weight) {
    const double slope = weight * (left.cost - right.cost) / saturating_sub(right.memory, left.memory).as_double();
    return slope > 0 ? slope : 0;
}

/// Where the steepest `amount` bytes end.
struct Selection {
    double price = 0;  ///< the slope at which they end; 0 if they all fit
    bool all = false;  ///< the segments together are no longer than the amount
};

/// Weighted selection, O(n) on average; reorders `segments`.
[[nodiscard]] Selection select_steepest(std::vector<Segment>& segments, Bytes amount);

}  // namespace aerostat::host
