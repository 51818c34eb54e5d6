#include "contract/cost_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aerostat {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRoundingError = 1e-9;

// Cost saved per byte between two corners; >= 0 on a valid curve.
double fall(const CostPoint& left, const CostPoint& right) {
    return (left.cost - right.cost) / saturating_sub(right.memory, left.memory).as_double();
}

// The lower hull, judged by the same arithmetic as make(): of points that are convex but for rounding, they themselves.
std::vector<CostPoint> lower_hull(const std::vector<CostPoint>& points) {
    std::vector<CostPoint> hull;
    for (CostPoint point : points) {
        if (!hull.empty()) point.cost = std::min(point.cost, hull.back().cost);
        while (hull.size() >= 2 && fall(hull.back(), point) > fall(hull[hull.size() - 2], hull.back())) hull.pop_back();
        hull.push_back(point);
    }
    return hull;
}

// Costs enclosed by removing corner i: how far the chord of its neighbours runs above it.
double error_without(const std::vector<CostPoint>& points, std::size_t i) {
    const double width = saturating_sub(points[i + 1].memory, points[i - 1].memory).as_double();
    const double left = saturating_sub(points[i].memory, points[i - 1].memory).as_double();
    const double chord = points[i - 1].cost + (points[i + 1].cost - points[i - 1].cost) * (left / width);
    return chord - points[i].cost;
}

// Leaves at most kMaxPoints corners. A chord of a convex curve lies above it, so the result never promises too little cost.
void thin(std::vector<CostPoint>& points) {
    while (points.size() > CostCurve::kMaxPoints) {
        std::size_t cheapest = 1;
        double smallest = kInfinity;
        for (std::size_t i = 1; i + 1 < points.size(); ++i) {
            const double error = error_without(points, i);
            if (error < smallest) {
                smallest = error;
                cheapest = i;
            }
        }
        points.erase(points.begin() + static_cast<std::ptrdiff_t>(cheapest));
    }
}

// The curve through points that are convex by construction, else through their lower hull; flat over the same domain if
// arithmetic at the limits of double or of Bytes left nothing usable.
CostCurve curve_through(const std::vector<CostPoint>& points) {
    return CostCurve::make(lower_hull(points)).value_or(CostCurve::flat(points.front().memory, points.back().memory));
}

}  // namespace

Result<CostCurve> CostCurve::make(std::vector<CostPoint> points) {
    if (points.empty() || points.size() > kMaxPoints) return fail(ErrorCode::bad_value, "a cost curve has 1 to 16 points");
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!std::isfinite(points[i].cost) || points[i].cost < 0)
            return fail(ErrorCode::bad_value, "a cost must be finite and not negative");
        if (i == 0) continue;
        if (points[i].memory <= points[i - 1].memory)
            return fail(ErrorCode::bad_value, "the memory of a cost curve must rise from point to point");
        if (points[i].cost > points[i - 1].cost) return fail(ErrorCode::bad_value, "a cost must not rise with more memory");
        if (i == 1) continue;
        const double before = fall(points[i - 2], points[i - 1]);
        if (fall(points[i - 1], points[i]) > before + kRoundingError * std::max(before, 1e-18)) {
            return fail(ErrorCode::bad_value, "a cost curve must be convex");
        }
    }
    return CostCurve(std::move(points));
}

CostCurve CostCurve::flat(Bytes floor, Bytes ceiling) {
    if (ceiling <= floor) return CostCurve({CostPoint{floor, 0}});
    return CostCurve({CostPoint{floor, 0}, CostPoint{ceiling, 0}});
}

CostCurve CostCurve::hyperbolas(double k, Bytes live, double whole, Bytes floor, Bytes useful, Bytes ceiling) {
    if (!(k >= 0) || !(whole >= 0) || !(k + whole > 0) || !std::isfinite(k + whole)) return flat(floor, ceiling);
    floor = std::max(floor, live + Bytes(1));
    if (floor <= live) return flat(floor, ceiling);  // live stands at the limit of Bytes
    const auto cost_at = [&](Bytes memory) {
        return k / saturating_sub(memory, live).as_double() + whole / memory.as_double();
    };
    if (ceiling <= floor) return CostCurve({CostPoint{floor, cost_at(floor)}});
    useful = std::clamp(useful, floor, ceiling);
    // Corners at equal ratios of (m - live): the relative error of each chord is then the same.
    const double first = saturating_sub(floor, live).as_double();
    const double last = saturating_sub(useful, live).as_double();
    const std::size_t falling = useful < ceiling ? kMaxPoints - 1 : kMaxPoints;  // the last is for the flat rest
    std::vector<CostPoint> points;
    for (std::size_t i = 0; i < falling; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(falling - 1);
        Bytes memory = i == 0 ? floor : live + Bytes(static_cast<std::uint64_t>(first * std::pow(last / first, share)));
        if (i + 1 == falling) memory = useful;
        if (points.empty() || (memory > points.back().memory && memory <= useful))
            points.push_back({memory, cost_at(memory)});
    }
    if (useful < ceiling) points.push_back({ceiling, points.back().cost});
    return curve_through(points);
}

double CostCurve::evaluate(Bytes memory) const {
    if (memory < floor()) return kInfinity;
    if (memory >= ceiling()) return points_.back().cost;
    const auto right =
        std::upper_bound(points_.begin(), points_.end(), memory, [](Bytes m, const CostPoint& p) { return m < p.memory; });
    const auto left = right - 1;
    return left->cost - fall(*left, *right) * saturating_sub(memory, left->memory).as_double();
}

double CostCurve::price_of_taking(Bytes memory) const {
    if (memory <= floor()) return kInfinity;
    if (memory > ceiling()) return 0;
    const auto right =
        std::lower_bound(points_.begin(), points_.end(), memory, [](const CostPoint& p, Bytes m) { return p.memory < m; });
    return fall(*(right - 1), *right);
}

double CostCurve::gain_of_giving(Bytes memory) const {
    if (memory < floor()) return kInfinity;
    if (memory >= ceiling()) return 0;
    const auto right =
        std::upper_bound(points_.begin(), points_.end(), memory, [](Bytes m, const CostPoint& p) { return m < p.memory; });
    return fall(*(right - 1), *right);
}

CostCurve CostCurve::clamped(Bytes floor_limit, Bytes ceiling_limit) const {
    const Bytes low = std::clamp(floor_limit, floor(), ceiling());
    const Bytes high = std::clamp(ceiling_limit, low, ceiling());
    if (low == floor() && high == ceiling()) return *this;
    std::vector<CostPoint> points{{low, evaluate(low)}};
    for (const CostPoint& point : points_) {
        if (point.memory > low && point.memory < high) points.push_back(point);
    }
    if (high > low) points.push_back({high, evaluate(high)});
    return curve_through(points);
}

CostCurve CostCurve::capped() const {
    if (points_.front().cost <= kMostCost) return *this;
    // Cut off alone it would be flat first and steep then. Where it is cut lies above the chord: it is no corner of the
    // hull.
    std::vector<CostPoint> points = points_;
    for (CostPoint& point : points) point.cost = std::min(point.cost, kMostCost);
    return curve_through(points);
}

CostCurve merge(const CostCurve& a, const CostCurve& b) {
    struct Segment {
        Bytes length;
        double fall;
    };
    std::vector<Segment> segments;
    for (const CostCurve* curve : {&a, &b}) {
        const auto points = curve->points();
        for (std::size_t i = 1; i < points.size(); ++i) {
            segments.push_back({saturating_sub(points[i].memory, points[i - 1].memory), fall(points[i - 1], points[i])});
        }
    }
    // The steepest segment saves most per byte, so memory beyond the floors goes there first.
    std::stable_sort(segments.begin(), segments.end(), [](const Segment& x, const Segment& y) { return x.fall > y.fall; });
    std::vector<CostPoint> points{{a.floor() + b.floor(), a.points().front().cost + b.points().front().cost}};
    for (const Segment& segment : segments) {
        const CostPoint& last = points.back();
        const CostPoint next{last.memory + segment.length,
                             std::max(0.0, last.cost - segment.fall * segment.length.as_double())};
        if (next.memory > last.memory) points.push_back(next);
    }
    points = lower_hull(points);
    thin(points);
    return curve_through(points);
}

}  // namespace aerostat
