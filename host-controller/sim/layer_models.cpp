#include "host-controller/sim/layer_models.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "host-controller/sim/chance.h"

namespace aerostat::host::sim {
namespace {

constexpr double kWorstCost = 2;  // CPU seconds a second: a layer that only waits for memory
constexpr Bytes kLeastCache{16ULL << 20};
constexpr Bytes kMargin{16ULL << 20};
constexpr double kMarginShare = 0.15;

Bytes in(Duration step, Bytes a_second) { return share_of(a_second, to_seconds(step)); }

Bytes between(Bytes low, Bytes high, double part) { return low + share_of(saturating_sub(high, low), part); }

Bytes live_of(const HeapModel& model, double load) { return between(model.live_idle, model.live, load); }

double k_of(const HeapModel& model, double load) {
    return live_of(model, load).as_double() * model.allocates.as_double() * load / model.collects.as_double();
}

// Local safety comes before orders: a layer that needs more than its target takes it.
void follow_target(Layer& layer, Bytes wants, Duration step, Speed speed) {
    const Bytes target = std::min(layer.ceiling, layer.target.value_or(layer.ceiling));
    layer.in_need = layer.floor > target;
    layer.out_of_memory = layer.floor > layer.ceiling;
    const Bytes limit = std::min(layer.ceiling, std::max(target, layer.floor));
    const Bytes must = std::min(layer.floor, layer.ceiling);
    const Bytes kept = std::min(layer.footprint, layer.floor + speed.keeps);
    layer.at_limit = !speed.keeps.is_zero() && layer.footprint > limit && layer.footprint <= kept;
    if (layer.footprint > limit)
        layer.footprint = std::max({limit, kept, saturating_sub(layer.footprint, in(step, speed.gives))});
    else
        layer.footprint = std::max({layer.footprint, must, std::min(limit, layer.footprint + wants)});
}

double refaults(const CacheModel& model, double load, Bytes cache) {
    const double missing = 1 - std::min(1.0, cache.as_double() / model.working_set.as_double());
    const double gib_a_second = model.reads.as_double() * load / static_cast<double>(1ULL << 30);
    return gib_a_second * missing * missing * model.seconds_a_gib;
}

}  // namespace

double load_at(const LoadModel& model, Duration at, std::uint32_t index, std::uint32_t count, std::uint64_t seed) {
    const double shift = model.spread * static_cast<double>(index) / static_cast<double>(std::max(count, 1U));
    const double periods = to_seconds(at) / to_seconds(model.period) + shift;
    switch (model.shape) {
        case LoadShape::constant:
            return model.level;
        case LoadShape::day_night: {
            // Square of the sine: a broad night, a peak at noon.
            const double wave = std::sin(std::numbers::pi * periods);
            return model.idle + (model.level - model.idle) * wave * wave;
        }
        case LoadShape::bursts: {
            const auto burst = static_cast<std::uint64_t>(std::floor(periods));
            return chance(seed, index, burst) < model.share ? model.level : model.idle;
        }
    }
    return model.level;
}

void advance(Layer& layer, const HeapModel& model, double load, Duration step, Speed speed) {
    const Bytes live = layer.live = std::min(live_of(model, load), layer.live + in(step, model.loads));
    layer.floor = live + std::max(kMargin, share_of(live, kMarginShare));
    follow_target(layer, in(step, share_of(model.allocates, load)), step, speed);
    const double room = std::max(1.0, saturating_sub(layer.footprint, live).as_double());
    layer.cost = layer.out_of_memory ? kWorstCost : std::min(kWorstCost, k_of(model, load) / room);
}

void advance(Layer& layer, const CacheModel& model, double load, Duration step, Speed speed) {
    layer.floor = kLeastCache;
    // What is read and not there yet is what the cache grows by.
    const double missing = 1 - std::min(1.0, layer.footprint.as_double() / model.working_set.as_double());
    follow_target(layer, in(step, share_of(model.reads, load * missing)), step, speed);
    layer.cost = std::min(kWorstCost, refaults(model, load, layer.footprint));
}

CostCurve curve_of(const Layer& layer, const HeapModel& model, double load, double factor) {
    return CostCurve::hyperbola(k_of(model, load) * factor, layer.live, layer.floor, layer.ceiling);
}

CostCurve curve_of(const Layer& layer, const CacheModel& model, double load, double factor) {
    std::vector<CostPoint> points;
    for (std::size_t i = 0; i < CostCurve::kMaxPoints; ++i) {
        const double part = static_cast<double>(i) / static_cast<double>(CostCurve::kMaxPoints - 1);
        const Bytes cache = between(layer.floor, layer.ceiling, part);
        points.push_back({cache, refaults(model, load, cache) * factor});
    }
    return CostCurve::make(std::move(points)).value_or(CostCurve::flat(layer.floor, layer.ceiling));
}

}  // namespace aerostat::host::sim
