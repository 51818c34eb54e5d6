#include "host-controller/sense/os_check.h"

#include <algorithm>

namespace aerostat::host::sense {
namespace {

/// A virtual machine's balloon holds its OS to what it leaves as soon as that is nearly all in use.
constexpr Bytes kLooseBy{128ULL << 20};
constexpr std::uint64_t kLooseShare = 8;

// The same costs, with the memory of `from` on called `to`.
CostCurve shifted(const CostCurve& curve, Bytes from, Bytes to) {
    std::vector<CostPoint> points;
    for (const CostPoint& point : curve.points())
        points.push_back({std::min(saturating_sub(point.memory, from) + to, Bytes(Bytes::kLimit)), point.cost});
    return CostCurve::make(std::move(points)).value_or(CostCurve::flat(to, to));
}

Bytes entitled_heaps(const std::vector<LayerSeen>& heaps) {
    Bytes sum;
    for (const LayerSeen& heap : heaps) {
        const Bytes most = std::max(heap.ceiling, heap.footprint);
        sum += std::min(most, std::max(heap.footprint, heap.target.value_or(Bytes())));
    }
    return sum;
}

std::optional<Bytes> target_of(const OsReport& os, const OsOutside& outside, Bytes heaps) {
    if (os.can_move) return os.target ? std::optional(saturating_sub(*os.target, heaps)) : std::nullopt;
    const OsBalloon& balloon = *outside.os_balloon;
    const Bytes left = saturating_sub(balloon.actual, heaps);
    const Bytes loose = std::max(kLooseBy, outside.holds / kLooseShare);
    // What is held goes up and down: a target that came and went with it would have the host decide anew each time.
    const bool binds =
        balloon.actual < balloon.maximum && left < outside.holds + (outside.was_bound ? loose + loose : loose);
    return binds ? std::optional(left) : std::nullopt;
}

}  // namespace

std::optional<LayerSeen> believable_os_layer(const GuestReport& report, const OsOutside& outside,
                                             const std::vector<LayerSeen>& heaps, Bytes budget) {
    if (!report.os || report.paused) return std::nullopt;
    const OsReport& os = *report.os;
    const bool container = os.can_move && outside.cache;
    if (!container && (os.can_move || !outside.os_balloon)) return std::nullopt;
    const Bytes in_use = saturating_sub(os.size, os.spare);
    Bytes lowest = std::min(os.floor, in_use);
    Bytes floor = outside.holds;
    if (container) {
        // Beside page cache what applications say they can give: at most what is there.
        const Bytes cache = std::min(*outside.cache, outside.holds);
        const Bytes offered = std::min(os.offered.value_or(Bytes()), saturating_sub(outside.holds, cache));
        const Bytes takeable = std::min(saturating_sub(in_use, lowest), cache + offered);
        lowest = saturating_sub(in_use, takeable);
        floor = saturating_sub(outside.holds, takeable);
    } else {
        // The guest's kernel keeps some of the RAM out of its own books.
        floor = std::min(outside.holds, lowest + saturating_sub(outside.os_balloon->actual, report.memory_total));
    }
    if (floor >= budget) return std::nullopt;
    LayerSeen layer;
    layer.name = kOsLayer;
    layer.kind = LayerKind::guest_os;
    layer.from_inside = container;
    layer.held_at_once = false;
    layer.footprint = outside.holds;
    layer.curve =
        shifted(os.curve.capped().clamped(lowest, Bytes(Bytes::kLimit)), std::max(lowest, os.curve.floor()), floor);
    layer.curve = layer.curve.clamped(floor, std::max(budget, floor));
    layer.floor = layer.curve.floor();
    layer.ceiling = layer.curve.ceiling();
    layer.target = target_of(os, outside, entitled_heaps(heaps));
    return layer;
}

}  // namespace aerostat::host::sense
