#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "contract/units.h"

namespace aerostat {

/// One corner of a cost curve: with `memory`, the layer loses `cost` CPU seconds per second.
struct CostPoint {
    Bytes memory;
    double cost = 0;
    bool operator==(const CostPoint&) const = default;
};

/// What memory is worth to a layer: CPU seconds lost per second when it has m bytes.
///
/// Convex, non-increasing and piecewise linear, with 1 to 16 points; the domain is [floor, ceiling]. Below the floor the
/// cost is infinite, above the ceiling more memory changes nothing. A value: immutable once made; any thread may read it.
/// Why this shape: with it the cheapest bytes can be found by comparing slopes (docs/policy.md).
class CostCurve {
public:
    static constexpr std::size_t kMaxPoints = 16;
    /// CPU seconds per second: more cores than a machine has.
    static constexpr double kMostCost = 1e6;

    /// A layer that needs nothing and gains nothing: one point at zero.
    CostCurve() : points_{CostPoint{}} {}

    /// Fails: `bad_value` unless there are 1 to 16 points with strictly rising memory, finite costs >= 0 that never rise,
    /// and slopes that never fall (convexity; a rounding error of one part in 10^9 is mended, not refused).
    [[nodiscard]] static Result<CostCurve> make(std::vector<CostPoint> points);

    /// A layer that costs the same with any amount in [floor, ceiling]: an idle heap, free memory.
    /// A ceiling below the floor is taken as the floor.
    [[nodiscard]] static CostCurve flat(Bytes floor, Bytes ceiling);

    /// K / (m - live) over [floor, ceiling], in chords that over-estimate it (so a convex interpolation, never cheaper
    /// than the truth between corners). `k` is CPU seconds x bytes per second, see docs/policy.md.
    /// A floor at or below `live` is raised to live + 1 byte; k <= 0 or not finite gives flat().
    [[nodiscard]] static CostCurve hyperbola(double k, Bytes live, Bytes floor, Bytes ceiling) {
        return hyperbolas(k, live, 0, floor, ceiling, ceiling);
    }

    /// The same of K / (m - live) + `whole` / m, which falls up to `useful` only: beyond that it goes on as it is there.
    [[nodiscard]] static CostCurve hyperbolas(double k, Bytes live, double whole, Bytes floor, Bytes useful, Bytes ceiling);

    [[nodiscard]] Bytes floor() const { return points_.front().memory; }
    [[nodiscard]] Bytes ceiling() const { return points_.back().memory; }
    [[nodiscard]] std::span<const CostPoint> points() const { return points_; }

    /// Cost with m bytes: infinity below the floor, the last cost above the ceiling.
    [[nodiscard]] double evaluate(Bytes memory) const;

    /// The price at m: CPU seconds per second lost for each byte taken away (>= 0; 0 above the ceiling, infinity at or
    /// below the floor). At a corner the slope on its left, which is what giving up the next byte costs.
    [[nodiscard]] double price_of_taking(Bytes memory) const;
    /// What one byte more would save at m (>= 0; 0 at and above the ceiling, infinity below the floor).
    [[nodiscard]] double gain_of_giving(Bytes memory) const;

    /// The same curve with the domain cut to [floor, ceiling] (each clamped into the present domain).
    [[nodiscard]] CostCurve clamped(Bytes floor, Bytes ceiling) const;

    /// For curves that others claim: the largest with no cost above kMostCost that lies nowhere above this one. Where all
    /// of it is beyond that, what it says of prices is nothing.
    [[nodiscard]] CostCurve capped() const;

    bool operator==(const CostCurve&) const = default;

private:
    explicit CostCurve(std::vector<CostPoint> points) : points_(std::move(points)) {}
    std::vector<CostPoint> points_;
};

/// The curve of two layers that share their memory in the best way (infimal convolution): floors, ceilings and the costs
/// at them add up, the segments follow each other by price. More than 16 points are thinned where the error is smallest;
/// the thinned curve never lies below the exact one.
[[nodiscard]] CostCurve merge(const CostCurve& a, const CostCurve& b);

}  // namespace aerostat
