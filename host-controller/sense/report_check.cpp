#include "host-controller/sense/report_check.h"

#include <algorithm>
#include <set>

namespace aerostat::host::sense {
namespace {

constexpr Bytes kFloorAboveFootprint{64ULL << 20};  // live data is resident; an agent's safety margin need not be

LayerSeen believable(const JvmReport& report, Bytes footprint, Bytes budget) {
    LayerSeen layer;
    layer.name = report.name;
    layer.footprint = footprint;
    layer.can_move = report.facts.can_balloon;
    layer.can_hold = report.facts.can_hold;
    layer.distress = !report.distress.empty();
    layer.curve_seen = report.curve_seen;
    if (report.target) layer.target = report.target->footprint;
    const Bytes ceiling = std::min(report.ceiling, budget);
    const Bytes floor = std::min({report.floor, ceiling, footprint + kFloorAboveFootprint});
    if (report.curve.ceiling() <= floor || report.curve.floor() >= ceiling)
        layer.curve = CostCurve::flat(floor, ceiling);
    else
        layer.curve = report.curve.capped().clamped(floor, ceiling);
    // What the curve does not know costs nothing above it; below it nobody promised anything.
    layer.floor = std::min(layer.curve.floor(), footprint + kFloorAboveFootprint);
    layer.floor_is_assumed = !report.live;
    layer.ceiling = std::max(layer.curve.ceiling(), layer.floor);
    if (layer.floor < layer.curve.floor()) layer.curve = CostCurve::flat(layer.floor, layer.ceiling);
    return layer;
}

}  // namespace

std::vector<LayerSeen> believable_layers(const GuestReport& report, Bytes measured, Bytes budget) {
    Bytes claimed;
    for (const JvmReport& jvm : report.jvms) claimed += jvm.footprint.resident;
    const double scale = claimed > measured ? measured.as_double() / claimed.as_double() : 1.0;
    std::vector<LayerSeen> layers;
    std::set<std::string> names;
    for (const JvmReport& jvm : report.jvms) {
        if (jvm.name.empty() || !names.insert(jvm.name).second) continue;
        const Bytes footprint = scale < 1.0 ? share_of(jvm.footprint.resident, scale) : jvm.footprint.resident;
        layers.push_back(believable(jvm, footprint, budget));
    }
    return layers;
}

}  // namespace aerostat::host::sense
