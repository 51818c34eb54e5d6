#pragma once

#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/cost_curve.h"
#include "jvm-agent/decide/cost_history.h"

namespace aerostat::agent {

/// What the cost model is shown about once a second.
struct CostSight {
    Bytes heap;                         ///< what the collector works with: committed, without the balloon
    Duration gc_cpu{};                  ///< of all GC threads, since the start
    Duration stopped{};                 ///< length of all pauses, since the start
    bool collections_are_ours = false;  ///< since the last sight, all or some: their cost is not the program's
    /// Time in collections of the young generation alone and in all others, since the start, in one unit. Both zero where
    /// they are not told apart.
    std::uint64_t young_time = 0, other_time = 0;
    std::uint64_t collections = 0;  ///< since the start
    Bytes occupied{};               ///< by the program after the last one
    Bytes allocated{};              ///< by the program, since the start
    /// The share of a heap that is full when one of the other collections comes: that of the old generation, where they are
    /// full collections.
    double filled = 1;
    /// Where each collection is a concurrent cycle of the whole heap: those begun, what was allocated between them, both
    /// since the start; and what the collector wants free when one begins. Zero: it is another.
    std::uint64_t cycles = 0;
    Bytes between_cycles{}, kept_free{};
    bool held = false;  ///< at a target: its cycles come earlier than the collector would have them
};

/// Learns what the collector's work costs now, and from it what it would cost in a heap of another size (docs/policy.md).
///
/// Each collection costs about the same, and the next one comes when the room above the live set is filled again: the cost
/// per second is inversely proportional to that room: cost = K / (heap - live). Young collections that stop the program copy
/// about the same each time, and come when a fixed share of the heap has been filled: their part is inversely proportional
/// to the heap itself. K is what explains best what has been seen in heaps of whatever sizes (CostHistory). No constant of
/// any collector is in it; how far it holds is measured by `scripts/bench prediction`. An idle program has K = 0.
///
/// Of concurrent cycles it is seen how much is allocated between two: that is the room, however early they come. A part of
/// the heap they keep free; where they keep more than they would have to, they would come as often in a smaller heap.
///
/// What counts is time really observed, of the last minute. None of it is time in which collections were ours, and little
/// of it time in which the program's data grew fast: what it costs to load them does not recur. What the first ten seconds
/// have not shown yet is assumed.
/// Thread: owner's.
class CostModel {
public:
    void observe(const CostSight& seen, TimePoint now);
    /// GC CPU seconds plus stopped seconds, per second.
    [[nodiscard]] double cost() const;
    /// How long that was observed, by what it counts; of what is long ago the less the longer, in all never above a minute.
    [[nodiscard]] Duration observed() const;
    /// CPU seconds x bytes per second. `live` unknown: everything counts as room.
    [[nodiscard]] double k(std::optional<Bytes> live) const;
    /// The same for the part that goes with the heap as a whole.
    [[nodiscard]] double k_of_young() const;

    /// The curve to report; the one reported before as long as nothing has changed enough to matter. `useful`: more than
    /// this the JVM does not use though it may, so more would change nothing; the ceiling where it is held below its wish.
    [[nodiscard]] const CostCurve& curve(std::optional<Bytes> live, Bytes floor, Bytes useful, Bytes ceiling);

private:
    /// K / (heap - bottom), no less beyond `useful`.
    struct Shape {
        double k;
        Bytes bottom, useful;
    };
    [[nodiscard]] Shape shape(Bytes live, Bytes floor, Bytes useful) const;
    void follow_cycles(const CostSight& seen);
    [[nodiscard]] bool counts_cycles() const;
    [[nodiscard]] bool is_loading(const CostSight& seen, TimePoint now);
    [[nodiscard]] double unseen() const;

    bool started_ = false;
    TimePoint at_{};
    CostSight last_;
    CostHistory history_;
    double between_lately_ = 0;  ///< bytes allocated between the latest cycles
    /// At the last collection after which the program occupied hardly more than it was known to.
    Bytes usual_, usual_allocated_;
    TimePoint usual_at_{};
    std::optional<TimePoint> grown_at_;
    CostCurve reported_;
    double reported_k_ = -1;
    Bytes reported_live_, reported_floor_, reported_useful_, reported_ceiling_;
};

}  // namespace aerostat::agent
