#pragma once

#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/cost_curve.h"
#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// What the cost model is shown about once a second.
struct CostSight {
    HeapFacts heap;
    Bytes application;  ///< occupied after the last pause, without the balloon
    double alloc_bytes_per_s = 0;
    Duration pause_cpu{};          ///< of GC threads but the concurrent ones, in all
    Duration concurrent_cpu{};     ///< of the concurrent ones, in all
    bool cycles_are_ours = false;  ///< our levers drive cycles now: their cost is not the program's
};

/// Learns what recurs each time the free heap fills up, K in cost(h) = K / (h - live) (docs/policy.md):
/// CPU of a concurrent cycle x rate at which the old generation fills, plus the fixed CPU of a young collection x allocation
/// rate / the share of free heap that becomes the young generation. Copying survivors costs the same at any size and is left
/// out. An idle program has K = 0.
/// Thread: owner's.
class CostModel {
public:
    void observe(const CostSight& seen, TimePoint now);
    /// CPU seconds x bytes per second.
    [[nodiscard]] double k() const { return cycle_cpu_ * fill_rate_ + young_cpu_ * alloc_rate_ / kYoungShare; }

    /// The curve to report; the one reported before as long as nothing has changed enough to matter.
    [[nodiscard]] const CostCurve& curve(std::optional<Bytes> live, Bytes floor, Bytes ceiling);

private:
    static constexpr double kYoungShare = 0.6;  ///< G1MaxNewSizePercent
    void learn_young(const CostSight& seen);
    void learn_cycles(const CostSight& seen);
    void learn_rates(const CostSight& seen, double seconds);

    bool started_ = false;
    TimePoint at_{};
    CostSight last_;
    Duration cycle_from_{};  ///< concurrent CPU when the present cycle's count began
    double cycle_cpu_ = 0;   ///< seconds a cycle
    double young_cpu_ = 0;   ///< seconds a young collection, the least of late
    double fill_rate_ = 0;   ///< bytes per second
    double alloc_rate_ = 0;
    CostCurve reported_;
    double reported_k_ = -1;
    Bytes reported_live_, reported_floor_, reported_ceiling_;
};

}  // namespace aerostat::agent
