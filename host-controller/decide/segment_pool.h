#pragma once

#include <limits>
#include <span>
#include <vector>

#include "host-controller/decide/segments.h"
#include "host-controller/decide/share_out.h"

namespace aerostat::host {

/// What one guest may hold in all.
struct ShareBounds {
    Bytes floors;
    Bytes ceilings;
    Bytes least;
    Bytes most;
    /// False: the guest may have any of its segments, so that its layers can be looked at one by one.
    [[nodiscard]] bool bind() const { return least > floors || most < ceilings; }
};
[[nodiscard]] ShareBounds bounds_of(const ShareGuest& guest);

/// The segments of one guest in the order in which it would take them: steepest first, of equals the earlier layer first.
/// Holds no copy of the curves; reset() keeps its memory.
class SegmentsInOrder {
public:
    void reset(const ShareGuest& guest, std::uint32_t index);
    /// Goes beyond all segments steeper than this; the answer is their length.
    Bytes skip_steeper(double price);
    /// How far it has come in a layer.
    [[nodiscard]] Bytes reached(std::size_t layer) const { return cursors_[layer].points[cursors_[layer].right - 1].memory; }
    /// False: there are no more.
    [[nodiscard]] bool next(Segment& segment);

private:
    struct Cursor {
        std::span<const CostPoint> points;
        std::size_t right = 1;  ///< the corner at which its next segment ends
        double slope = 0;
    };
    void look(Cursor& cursor) const;

    std::vector<Cursor> cursors_;
    double weight_ = 1;
    std::uint32_t guest_ = 0;
};

/// Prices between which the answer is looked for. A segment outside needs no closer look.
struct PriceRange {
    double low = -1;
    double high = std::numeric_limits<double>::infinity();
    /// The same with room for rounding, and for curves that are convex to one part in 10^9 only.
    [[nodiscard]] PriceRange widened() const { return {low - kMargin * (low > 0 ? low : 1), high * (1 + kMargin)}; }

private:
    static constexpr double kMargin = 1e-6;
};

/// All segments of a problem beyond floors and guaranteed minimums, sorted roughly: surely taken, open, surely left out.
struct SegmentPool {
    /// [guest][layer]: floor, forced minimum and what is steeper than the range. Of a guest whose bounds bind only the sum
    /// counts: which of its layers have it follows from that.
    std::vector<std::vector<Bytes>> sure;
    std::vector<Segment> open;  ///< within the range
    Bytes taken;                ///< of `sure`, what is steeper than the range
    Bytes open_length;
    bool left_out = false;  ///< something is flatter than the range
};

/// Fails never; one pass over all curves, a few steps a curve where no bound binds.
[[nodiscard]] SegmentPool collect(const ShareProblem& problem, const std::vector<ShareBounds>& bounds, PriceRange range);

/// A range that very likely holds the price at which `amount` bytes end, from a sample of the guests; everything if there
/// are too few guests for that.
[[nodiscard]] PriceRange likely_range(const ShareProblem& problem, const std::vector<ShareBounds>& bounds, Bytes amount);

}  // namespace aerostat::host
