#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::agent {

/// How a collector finds what is dead, as far as decisions depend on it.
enum class CollectionKind {
    young_and_marking,    ///< G1: young collections all the time, concurrent marking of the whole heap now and then
    whole_heap_cycles,    ///< each concurrent cycle sees the whole heap: ZGC before generations, Shenandoah
    generational_cycles,  ///< concurrent cycles, of which some see only the young generation
    stop_the_world,       ///< Parallel, Serial: what is dead in the old generation only a full collection finds
};

/// An old generation that only full collections empty, where the operator allows chunks in it.
struct OldGeneration {
    Bytes free;      ///< up to the largest it may become
    Bytes promoted;  ///< into it by a young collection
    Bytes reserve;   ///< memory that may be counted on when a full collection brings chunks back
};

/// What the collector says about its heap at one moment. `used` and `used_after_gc` count the balloon's chunks, because
/// to the collector they are objects like any others.
struct HeapFacts {
    Bytes max;      ///< -Xmx as the collector rounds it
    Bytes minimum;  ///< the collector never commits less (-Xms)
    Bytes region;   ///< size of one region: the unit of chunks
    Bytes committed;
    Bytes used;
    Bytes used_after_gc;       ///< at the end of the last collection; zero before the first
    Bytes freed;               ///< by collections since the agent looks; with `used` it tells what was allocated
    std::uint64_t pauses = 0;  ///< of any kind, since the agent looks
    std::uint64_t young_gcs = 0;
    std::uint64_t cycle_pauses = 0;         ///< remark and cleanup pauses of concurrent cycles: two for each that is over
    std::optional<std::uint64_t> full_gcs;  ///< absent where it cannot be read
    std::uint64_t stalls = 0;  ///< collections begun because the program waited for free heap, since the agent looks
    CollectionKind kind = CollectionKind::young_and_marking;
    /// Whole-heap collections whose result `used_after_gc` shows. Absent where it must be concluded from pauses (G1).
    std::optional<std::uint64_t> whole_gcs{};
    /// Driven, the collector gives memory back by itself. Else it only finds what is free, and chunks take that.
    bool levers_give = true;
    /// A concurrent cycle runs at this moment. Absent where the collector does not say.
    std::optional<bool> collecting{};
    /// When the newest concurrent cycle began, and the time from its first pause to its last so far. Absent where that is
    /// not told.
    std::optional<TimePoint> cycle_began{};
    Duration cycle_length{};
    /// Between collections, since the agent looks; zero where that is not told.
    Bytes allocated{};
    /// The most that a pause has found used since the facts before these; zero where that is not told. What was used once is
    /// resident until it is uncommitted, also when it is free again.
    Bytes peak_used{};
    /// The program wants to be told when so much is used (thresholds on memory pools); zero: it does not.
    Bytes alarm{};
    /// With less heap free the collector would run cycle after cycle, or allocations would wait for it. Of that, this share
    /// of the maximum is as much less as a soft maximum is smaller.
    Bytes headroom{};
    double headroom_share = 0;
    /// What has been unused for so long the collector gives back by itself, down to `minimum`, and takes nothing more while
    /// it has unused memory. Zero: it does not, or too late to be waited for.
    Duration gives_back_after{};
    /// Chunks lie in such a one. Absent where collections leave chunks where they are.
    std::optional<OldGeneration> old{};
    /// Ticks in young and in full collections since the JVM's start, of collectors that always stop the program; else zero.
    std::uint64_t young_time = 0, full_time = 0;
    /// Of what is committed, the old generation of those collectors: full ones come when that is full. Zero where it is not
    /// told.
    Bytes old_committed{};
    /// Garbage that mixed collections leave where it is; zero where there are no such collections.
    Bytes waste{};
    /// The last collection was the periodic one that our levers ask for (G1).
    bool was_periodic = false;
    /// Length of all pauses, and the share of the time from which on they make the collector commit more; zero where it does
    /// not size its heap by that.
    Duration stopped{};
    double grows_at_pauses = 0;
    /// To the remark that sizes the heap its eden is occupied, whatever of it is dead (G1 of JDK 17).
    bool counts_eden = false;
};

/// HeapFacts::alarm while nobody can tell what the program has set: any balloon might be too much.
inline constexpr Bytes kAlarmUnknown{1};

/// What may be used, the balloon included: all of the heap, or less where an alarm of the program would go off.
[[nodiscard]] inline Bytes usable(const HeapFacts& heap) {
    return heap.alarm.is_zero() ? heap.max : std::min(heap.max, heap.alarm);
}

/// HeapFacts::headroom where the soft maximum is such.
[[nodiscard]] inline Bytes headroom_at(const HeapFacts& heap, Bytes soft_max) {
    return saturating_sub(heap.headroom, share_of(saturating_sub(heap.max, soft_max), heap.headroom_share));
}

/// Such a heap is held by its soft maximum alone: chunks would only make it take more until all of its maximum is full.
[[nodiscard]] inline bool keeps_itself_small(const HeapFacts& heap, Bytes target) {
    return heap.gives_back_after > Duration::zero() && target >= heap.minimum;
}

/// How busy the collector is, in GC-thread CPU seconds per second.
struct GcLoad {
    double now = 0;
    double usual = 0;  ///< without a balloon
};

}  // namespace aerostat::agent
