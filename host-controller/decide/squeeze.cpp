#include "host-controller/decide/squeeze.h"

#include <algorithm>

#include "host-controller/decide/booking.h"

namespace aerostat::host {
namespace {

constexpr Bytes kPage{4096};

struct Candidate {
    const LayerSeen* seen = nullptr;
    Bytes entitled;
};

std::string names_of(const GuestSeen& guest) {
    std::string names;
    for (const LayerSeen& layer : guest.layers) {
        if (layer.kind == LayerKind::java_heap) names += (names.empty() ? "" : ", ") + layer.name;
    }
    return names.empty() ? "none" : names;
}

Result<std::vector<Candidate>> candidates(const GuestSeen& guest, const HostState* state, const std::string& jvm) {
    std::vector<Candidate> found;
    bool known = jvm.empty();
    for (const LayerSeen& layer : guest.layers) {
        if (layer.kind != LayerKind::java_heap || (!jvm.empty() && layer.name != jvm)) continue;
        known = true;
        const LayerTrack* track = state ? track_of(*state, guest, layer) : nullptr;
        if (layer.can_move) found.push_back({&layer, entitled(layer, track)});
    }
    if (!known)
        return fail(ErrorCode::not_found,
                    "guest " + guest.name + " has no JVM named \"" + jvm + "\"; it has: " + names_of(guest));
    if (found.empty())
        return fail(ErrorCode::refused, "no JVM of " + guest.name + " that could be moved; it has: " + names_of(guest));
    return found;
}

// One guest shared out on its own: the same exact split by price that the policy uses.
std::vector<Bytes> split(const std::vector<Candidate>& layers, const std::vector<CostCurve>& curves, Bytes capacity) {
    ShareProblem problem;
    problem.capacity = capacity;
    problem.guests.emplace_back();
    for (std::size_t i = 0; i < layers.size(); ++i)
        problem.guests[0].layers.push_back({curves[i], layers[i].seen->footprint});
    return price_of_memory().share_out(problem).layers[0];
}

// A curve over [floor, top] even where the reported one ends earlier.
CostCurve stretched(const LayerSeen& layer, Bytes floor, Bytes top) {
    const CostCurve inside = layer.curve.clamped(floor, top);
    std::vector<CostPoint> points(inside.points().begin(), inside.points().end());
    if (points.front().memory > floor && points.front().memory > top) return CostCurve::flat(floor, top);
    if (points.back().memory < top && points.size() < CostCurve::kMaxPoints) points.push_back({top, points.back().cost});
    return CostCurve::make(std::move(points)).value_or(inside);
}

// What lies beyond the floors is asked of the layers whose floor is `assumed`, or of the others, each in proportion to it:
// the agents will find out. Returns what is still missing.
Bytes lower_floors(const std::vector<Candidate>& layers, bool assumed, Bytes beyond, std::vector<Bytes>& totals) {
    Bytes floors;
    for (const Candidate& one : layers) {
        if (one.seen->floor_is_assumed == assumed) floors += std::min(one.seen->floor, one.seen->footprint);
    }
    if (beyond.is_zero() || floors.is_zero()) return beyond;
    const double share = std::min(1.0, beyond.as_double() / floors.as_double());
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const LayerSeen& seen = *layers[i].seen;
        if (seen.floor_is_assumed != assumed) continue;
        totals[i] = saturating_sub(totals[i], share_of(std::min(seen.floor, seen.footprint), share));
    }
    return saturating_sub(beyond, floors);
}

OperatorOrder order_from(const std::vector<Candidate>& layers, const std::vector<Bytes>& totals, bool shrinking) {
    OperatorOrder order;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const LayerSeen& seen = *layers[i].seen;
        const Bytes least = shrinking ? Bytes() : seen.floor;
        const Bytes target = std::max(least, round_down(totals[i], kPage));
        const bool changes = shrinking ? target < seen.footprint : target > layers[i].seen->target.value_or(seen.footprint);
        if (!changes) continue;
        order.layers.push_back(
            {seen.name, HeapTarget{target}, shrinking ? seen.footprint : seen.target.value_or(seen.footprint)});
        order.asked += shrinking ? saturating_sub(seen.footprint, target) : saturating_sub(target, seen.footprint);
    }
    return order;
}

}  // namespace

Result<OperatorOrder> split_squeeze(const GuestSeen& guest, const std::string& jvm, Bytes bytes) {
    if (bytes.is_zero()) return fail(ErrorCode::bad_value, "squeeze: how many bytes? (for example 512MiB)");
    auto layers = candidates(guest, nullptr, jvm);
    if (!layers) return tl::unexpected(layers.error());
    Bytes possible;
    Bytes present;
    std::vector<CostCurve> curves;
    for (const Candidate& one : *layers) {
        const Bytes floor = std::min(one.seen->floor, one.seen->footprint);
        possible += saturating_sub(one.seen->footprint, floor);
        present += one.seen->footprint;
        curves.push_back(stretched(*one.seen, floor, one.seen->footprint));
    }
    if (bytes > present) {
        return fail(ErrorCode::refused, guest.name + (jvm.empty() ? "" : "/" + jvm) + " holds " + format_bytes(present) +
                                            ", of which " + format_bytes(possible) + " lie above its floor; " +
                                            format_bytes(bytes) + " were asked for");
    }
    std::vector<Bytes> totals = split(*layers, curves, saturating_sub(present, std::min(bytes, possible)));
    const Bytes beyond = lower_floors(*layers, true, saturating_sub(bytes, possible), totals);
    lower_floors(*layers, false, beyond, totals);
    OperatorOrder order = order_from(*layers, totals, true);
    order.asked = bytes;
    return order;
}

Result<OperatorOrder> split_give(const GuestSeen& guest, const HostState& state, const std::string& jvm, Bytes bytes,
                                 Bytes free) {
    if (bytes.is_zero()) return fail(ErrorCode::bad_value, "give: how many bytes? (for example 512MiB)");
    if (bytes > free) {
        return fail(ErrorCode::refused, "only " + format_bytes(free) + " are verified free; " + format_bytes(bytes) +
                                            " were asked for (squeeze another guest first)");
    }
    auto layers = candidates(guest, &state, jvm);
    if (!layers) return tl::unexpected(layers.error());
    Bytes entitled_now;
    std::vector<CostCurve> curves;
    for (const Candidate& one : *layers) {
        entitled_now += one.entitled;
        const Bytes top = std::max(one.seen->ceiling, one.entitled);
        curves.push_back(stretched(*one.seen, one.seen->floor, top).clamped(one.entitled, top));
    }
    OperatorOrder order = order_from(*layers, split(*layers, curves, entitled_now + bytes), false);
    if (order.layers.empty()) return fail(ErrorCode::refused, guest.name + " already has all its heaps can use");
    order.asked = bytes;
    return order;
}

Result<OperatorOrder> split_release(const GuestSeen& guest, const HostState& state, const std::string& jvm, Bytes free) {
    auto order = split_give(guest, state, jvm, std::max(free, Bytes(1)), std::max(free, Bytes(1)));
    if (order) {
        order->asked = Bytes();
        for (const LayerOrder& one : order->layers) {
            for (const LayerSeen& layer : guest.layers) {
                if (layer.name == one.layer) order->asked += saturating_sub(one.target.footprint, layer.footprint);
            }
        }
    }
    return order;
}

}  // namespace aerostat::host
