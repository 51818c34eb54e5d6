#pragma once

#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/cost_curve.h"

namespace aerostat::agent {

/// What the cost model is shown about once a second.
struct CostSight {
    Bytes heap;                         ///< what the collector works with: committed, without the balloon
    Duration gc_cpu{};                  ///< of all GC threads, since the start
    Duration stopped{};                 ///< length of all pauses, since the start
    bool collections_are_ours = false;  ///< made to run by the agent: their cost is not the program's
    /// Time in collections of the young generation alone and in all others, since the start, in one unit. Both zero where
    /// they are not told apart.
    std::uint64_t young_time = 0, other_time = 0;
};

/// Learns what the collector's work costs now, and from it what it would cost in a heap of another size (docs/policy.md).
///
/// Each collection costs about the same, and the next one comes when the room above the live set is filled again: the cost
/// per second is inversely proportional to that room. So what it costs now, with the room there is now, tells the product:
/// K = cost now x (heap now - live). Young collections that stop the program copy about the same each time, and come when a
/// fixed share of the heap has been filled: their part is inversely proportional to the heap itself. No constant of any
/// collector is in it; how far it holds is measured by `scripts/bench prediction`. An idle program has K = 0.
/// Thread: owner's.
class CostModel {
public:
    void observe(const CostSight& seen, TimePoint now);
    /// GC CPU seconds plus stopped seconds, per second: average over about a minute, none of it ours.
    [[nodiscard]] double cost() const { return time_ > 0 ? spent_ / time_ : 0; }
    /// CPU seconds x bytes per second. `live` unknown: everything counts as room.
    [[nodiscard]] double k(std::optional<Bytes> live) const;
    /// The same for the part that goes with the heap as a whole.
    [[nodiscard]] double k_of_young() const;

    /// The curve to report; the one reported before as long as nothing has changed enough to matter. `useful`: more than
    /// this the JVM does not use though it may, so more would change nothing; the ceiling where it is held below its wish.
    [[nodiscard]] const CostCurve& curve(std::optional<Bytes> live, Bytes floor, Bytes useful, Bytes ceiling);

private:
    bool started_ = false;
    TimePoint at_{};
    CostSight last_;
    // Sums that fade: what is newer counts more.
    double time_ = 0;  ///< seconds
    double spent_ = 0;
    double heap_ = 0;  ///< bytes x seconds
    double young_ = 0, other_ = 0;
    CostCurve reported_;
    double reported_k_ = -1;
    Bytes reported_live_, reported_floor_, reported_useful_, reported_ceiling_;

    [[nodiscard]] double young_share() const { return young_ > 0 ? young_ / (young_ + other_) : 0; }
};

}  // namespace aerostat::agent
