#include "guest-balloon/decide/os_cost.h"

#include <algorithm>

#include "guest-balloon/decide/offers.h"

namespace aerostat::guest {
namespace {

// The curve from its right end to the left. Each stretch is at least as steep as the one before: convex by construction.
class Falling {
public:
    Falling(Bytes ceiling, double cost) : at_(ceiling), cost_(cost) { points_.push_back({ceiling, cost}); }

    [[nodiscard]] Bytes at() const { return at_; }
    void to_cost(Bytes memory, double cost) {
        if (memory < at_) along(memory, (cost - cost_) / saturating_sub(at_, memory).as_double());
    }
    void along(Bytes memory, double slope) {
        if (memory >= at_) return;
        slope_ = std::max(slope_, slope);
        cost_ += slope_ * saturating_sub(at_, memory).as_double();
        at_ = memory;
        points_.push_back({at_, cost_});
    }
    [[nodiscard]] CostCurve curve() {
        std::reverse(points_.begin(), points_.end());
        while (points_.size() > CostCurve::kMaxPoints) drop_flattest();
        return CostCurve::make(points_).value_or(CostCurve::flat(points_.front().memory, points_.back().memory));
    }

private:
    // The corner whose chord lies least above it.
    void drop_flattest() {
        std::size_t best = 1;
        double least = -1;
        for (std::size_t i = 1; i + 1 < points_.size(); ++i) {
            const CostPoint& left = points_[i - 1];
            const CostPoint& right = points_[i + 1];
            const double part = saturating_sub(points_[i].memory, left.memory).as_double() /
                                saturating_sub(right.memory, left.memory).as_double();
            const double above = left.cost + (right.cost - left.cost) * part - points_[i].cost;
            if (least >= 0 && above >= least) continue;
            least = above;
            best = i;
        }
        points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(best));
    }

    std::vector<CostPoint> points_;
    Bytes at_;
    double cost_;
    double slope_ = 0;
};

double price_per_byte(const RefaultBook& book, Duration again) {
    return book.stall_per_refault() / kPage.as_double() / to_seconds(again);
}

}  // namespace

OsPicture os_picture_of(const OsSight& seen, const RefaultBook& book, const OsSurroundings& around,
                        const CachePrior& prior) {
    OsPicture layer;
    layer.size = saturating_sub(seen.total, around.heaps);
    const Bytes takeable = std::min(saturating_sub(seen.available, around.reserve), layer.size);
    layer.spare = std::min(saturating_sub(seen.unused, around.reserve), takeable);
    const Bytes from_cache = std::min(saturating_sub(takeable, layer.spare), seen.cache());
    const Bytes full = saturating_sub(layer.size, layer.spare);  // with all of the cache as it is
    const Bytes none = saturating_sub(full, from_cache);
    const Bytes anonymous = std::min(saturating_sub(seen.anonymous, around.heaps), none);
    layer.offers = cheapest_of(around.offers, anonymous);
    layer.offered = layer.offers.ceiling();
    layer.floor = saturating_sub(none, layer.offered);

    const double thrashing = layer.spare.is_zero() ? book.cost_now() : 0;
    const Bytes missing = std::max({saturating_sub(book.peak(), seen.cache()), seen.cache() / 10, kPage});
    const double gain = thrashing / missing.as_double();
    const Bytes useful = std::min(missing, around.taken);
    Falling curve(layer.size + around.taken, std::max(0.0, book.cost_now() - gain * useful.as_double()));
    curve.along(layer.size + useful, 0);
    curve.along(layer.size, gain);
    curve.along(full, 0);
    // What was seen with less cache, as far as it lies in what can be taken.
    for (const RefaultBook::Seen& point : book.seen_below(seen.cache())) {
        const Bytes memory = saturating_sub(full, saturating_sub(seen.cache(), point.cache));
        if (memory > none) curve.to_cost(memory, point.cost);
    }
    const Bytes inactive_gone = std::max(none, saturating_sub(full, seen.inactive_file));
    curve.along(inactive_gone, price_per_byte(book, prior.inactive_again));
    curve.along(none, price_per_byte(book, prior.active_again));
    const Bytes swappable = std::min(seen.swap_free, saturating_sub(anonymous, layer.offered));
    curve.along(saturating_sub(none, swappable), kSwapPricePerGib / static_cast<double>(1ULL << 30U));
    layer.own = curve.curve();
    layer.curve = with_offers(layer.own, layer.offers);
    return layer;
}

Bytes least_within(const CostCurve& curve, Bytes now, double budget) {
    const Bytes from = std::clamp(now, curve.floor(), curve.ceiling());
    const double most = curve.evaluate(from) + budget;
    const auto points = curve.points();
    if (points.front().cost <= most) return points.front().memory;
    // The corner from which the curve first costs no more; the answer lies on the stretch to its left.
    std::size_t i = 1;
    while (i + 1 < points.size() && points[i].cost > most) ++i;
    const CostPoint& left = points[i - 1];
    const CostPoint& right = points[i];
    if (left.cost <= right.cost) return std::min(from, right.memory);
    const double part = (most - right.cost) / (left.cost - right.cost);
    const Bytes least = saturating_sub(right.memory, share_of(saturating_sub(right.memory, left.memory), part));
    return std::min(from, least);
}

}  // namespace aerostat::guest
