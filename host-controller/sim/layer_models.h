#pragma once

#include "host-controller/decide/model.h"
#include "host-controller/sim/scenario.h"

// What memory does to simulated programs.
namespace aerostat::host::sim {

/// The load in [idle, level] of the guest `index` of `count`, at a time since midnight of the first day.
[[nodiscard]] double load_at(const LoadModel& model, Duration at, std::uint32_t index, std::uint32_t count,
                             std::uint64_t seed);

/// One layer of a simulated guest, as it really is.
struct Layer {
    Bytes footprint;
    Bytes live;     ///< heaps: what is alive
    Bytes floor;    ///< below this the program cannot go
    Bytes ceiling;  ///< more it never takes
    std::optional<Bytes> target;
    CostCurve curve;             ///< as reported
    double noise = 1;            ///< of it
    double curve_load = -1;      ///< the load it was made for,
    Bytes curve_live;            ///< and what was alive then
    double cost = 0;             ///< CPU seconds lost a second, now
    bool in_need = false;        ///< its target is below its floor: it takes what it needs, and says so
    bool out_of_memory = false;  ///< its ceiling is below its floor
    bool at_limit = false;       ///< it gives no more, though it was told to
};

/// How a layer gives.
struct Speed {
    Bytes gives{1ULL << 30};  ///< a second
    Bytes keeps{};            ///< but not what lies so far above its floor
};

/// Moves a heap on by `step` under this load: it fills what it may, and gives what it must.
void advance(Layer& layer, const HeapModel& model, double load, Duration step, Speed speed);
void advance(Layer& layer, const CacheModel& model, double load, Duration step, Speed speed);

/// The cost curve that a truthful report would carry, times `factor`.
[[nodiscard]] CostCurve curve_of(const Layer& layer, const HeapModel& model, double load, double factor);
[[nodiscard]] CostCurve curve_of(const Layer& layer, const CacheModel& model, double load, double factor);

}  // namespace aerostat::host::sim
