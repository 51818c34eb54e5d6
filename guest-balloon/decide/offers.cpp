#include "guest-balloon/decide/offers.h"

#include <algorithm>
#include <cmath>

namespace aerostat::guest {
namespace {

CostCurve shifted_down(const CostCurve& curve, Bytes by) {
    std::vector<CostPoint> points(curve.points().begin(), curve.points().end());
    for (CostPoint& point : points) point.memory = saturating_sub(point.memory, by);
    return CostCurve::make(std::move(points)).value_or(CostCurve());
}

}  // namespace

CostCurve offer_of(Bytes bytes, double price_per_gib) {
    if (bytes.is_zero()) return {};
    const double bounded = std::isfinite(price_per_gib)
                               ? std::clamp(price_per_gib, kLeastOfferPricePerGib, kMostOfferPricePerGib)
                               : kMostOfferPricePerGib;
    const double per_byte = bounded / static_cast<double>(1ULL << 30U);
    return CostCurve::make({{Bytes(), per_byte * bytes.as_double()}, {bytes, 0}}).value_or(CostCurve());
}

CostCurve cheapest_of(const CostCurve& offers, Bytes most) {
    const Bytes dear = saturating_sub(offers.ceiling(), most);
    return dear.is_zero() ? offers : shifted_down(offers.clamped(dear, offers.ceiling()), dear);
}

CostCurve with_offers(const CostCurve& own, const CostCurve& offers) {
    const CostCurve within = cheapest_of(offers, own.floor());
    return within.ceiling().is_zero() ? own : merge(shifted_down(own, within.ceiling()), within);
}

Bytes due_of_offers(const CostCurve& own, const CostCurve& offers, Bytes left) {
    const Bytes all = offers.ceiling();
    // Both are made of straight pieces, so the least cost lies at a corner of one of them.
    std::vector<Bytes> candidates{Bytes(), all};
    for (const CostPoint& point : own.points()) candidates.push_back(std::min(saturating_sub(point.memory, left), all));
    for (const CostPoint& point : offers.points()) candidates.push_back(saturating_sub(all, point.memory));
    std::sort(candidates.begin(), candidates.end());
    Bytes best = all;
    double least = own.evaluate(left + all) + offers.evaluate(Bytes());
    for (auto taken = candidates.rbegin(); taken != candidates.rend(); ++taken) {
        const double cost = own.evaluate(left + *taken) + offers.evaluate(saturating_sub(all, *taken));
        if (cost > least || !std::isfinite(cost)) continue;
        least = cost;
        best = *taken;
    }
    return best;
}

}  // namespace aerostat::guest
