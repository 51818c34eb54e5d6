#include "host-controller/decide/appetite.h"

#include <algorithm>

#include "host-controller/decide/booking.h"

namespace aerostat::host {
namespace {

constexpr Duration kTelling = std::chrono::seconds(15);  // of collections observed; the first ten are half assumed
constexpr Duration kYoungest = std::chrono::minutes(1);
constexpr Duration kUnusedFor = std::chrono::seconds(10);
constexpr Bytes kLeastRoom{64ULL << 20};   // what a busy program fills while an order for more is under way
constexpr Bytes kYoungRoom{256ULL << 20};  // likewise one that loads
constexpr std::uint64_t kYoungPart = 4;

}  // namespace

Bytes soon_needed(const LayerSeen& layer) { return layer.footprint + std::max(kLeastRoom, layer.footprint / 2); }

bool is_young(const LayerSeen& layer) {
    return layer.curve_seen && *layer.curve_seen < kTelling && layer.known_for && *layer.known_for < kYoungest;
}

Bytes given_to_young(Bytes free) { return std::min(free, std::max(kYoungRoom, Bytes(free.count() / kYoungPart))); }

void note_use(LayerTrack& track, const LayerSeen& layer, TimePoint now) {
    const auto given = target_in_force(layer, &track);
    if (layer.kind != LayerKind::java_heap || !given) return track.unused_since.reset();
    const Bytes room = saturating_sub(soon_needed(layer), layer.footprint);
    if (layer.footprint + room / 2 >= *given) return track.unused_since.reset();
    if (!track.unused_since && soon_needed(layer) < *given) track.unused_since = now;
}

std::optional<Bytes> useful(const LayerSeen& layer, const LayerTrack* track, TimePoint now) {
    const bool unused = track && track->unused_since && now - *track->unused_since >= kUnusedFor;
    return unused ? std::optional(soon_needed(layer)) : std::nullopt;
}

CostCurve flat_above(const CostCurve& curve, Bytes most) {
    if (most >= curve.ceiling()) return curve;
    const CostCurve below = curve.clamped(curve.floor(), std::max(most, curve.floor()));
    std::vector<CostPoint> points(below.points().begin(), below.points().end());
    // One corner too many: without the last but one the chord lies above the curve, and is convex still.
    if (points.size() == CostCurve::kMaxPoints) points.erase(points.end() - 2);
    points.push_back({curve.ceiling(), points.back().cost});
    return CostCurve::make(std::move(points)).value_or(curve);
}

}  // namespace aerostat::host
