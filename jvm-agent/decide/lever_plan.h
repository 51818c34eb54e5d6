#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/roles.h"
#include "jvm-agent/decide/heap_facts.h"

// Which of a collector's own run-time settings make it give memory back, and to what they may be set. Pure.
namespace aerostat::agent {

/// One of the JVM's flags as it stands.
struct FlagState {
    std::int64_t value = 0;
    bool by_operator = false;  ///< named on the command line, in the environment or in a file: not ours to change
    bool operator==(const FlagState&) const = default;
};

/// The JVM's flags by name; absent where this JVM does not have one.
using FlagReader = std::function<std::optional<FlagState>(std::string_view name)>;

struct FlagSetting {
    std::string name;
    std::int64_t value = 0;
    bool operator==(const FlagSetting&) const = default;
};

/// When a G1 heap is held by its own size instead of a whole heap of chunks. calm: while the program hardly collects; size:
/// also under load, for which the agent changes GCTimeRatio meanwhile.
enum class G1Hold { chunks, calm, size };

/// GCTimeRatio while a G1 heap is held by its size under load: it commits more once half of the time goes into pauses.
inline constexpr const char* kTimeRatioFlag = "GCTimeRatio";
constexpr std::int64_t kHoldingTimeRatio = 1;
constexpr double kHoldingGrowsAt = 0.5;

/// What a plan is made for.
struct LeverSight {
    HeapFacts heap;
    HeapTarget target;
    std::optional<Bytes> live;    ///< if it is known: settings are then made to fit the target instead of the least possible
    Bytes application;            ///< occupied after the last collection, without the balloon
    Bytes balloon;                ///< to the collector it is used heap like any other
    bool drive = true;            ///< make the collector work now; else only hold
    bool rest = false;            ///< while it is driven: no collection is wanted at this moment
    std::optional<Bytes> size{};  ///< G1: as large as that the next remark is to make the heap, and no larger
    bool exact = false;           ///< G1: so large by whatever remark comes next; else none may make it smaller than that
    bool yields = false;          ///< G1: the JVM's own ratios, as they would work without the balloon
    bool holds_busy = false;      ///< G1: held by its size, and not to be made larger for its pauses
};

/// What to set, in this order. Empty lists are a plan too: there is no lever.
struct LeverPlan {
    std::vector<FlagSetting> keep;   ///< for as long as the target is in force
    std::vector<FlagSetting> hold;   ///< only while it is held by its size under load
    std::vector<FlagSetting> cycle;  ///< only while concurrent cycles still find garbage or give memory back
    bool drives = false;             ///< the collector works because of these settings
    bool collects_fully = false;     ///< moved by collections that are asked for, which the operator has to allow
    bool follows_balloon = false;    ///< `keep` depends on the balloon's size: to be planned again when that changes
    bool sizes_heap = false;         ///< `keep` follows LeverSight::size
    std::string left_alone;          ///< what is the operator's, for people; empty if nothing
};

/// MaxHeapFreeRatio, in percent, that goes with a target; the least where nobody knows what is alive.
[[nodiscard]] std::int64_t max_free_ratio(HeapTarget target, std::optional<Bytes> live);

/// A collector's way to be moved: one function a kind of collector.
using LeverRule = LeverPlan (*)(const FlagReader& flags, const LeverSight& seen);

/// G1: free ratios make it uncommit, and a small periodic interval makes concurrent cycles run.
[[nodiscard]] LeverPlan plan_g1_levers(const FlagReader& flags, const LeverSight& seen);

/// ZGC and Shenandoah: a soft maximum. They collect when it is near, and Shenandoah of some JDKs uncommits down to it. The
/// balloon counts as used, so it is added: with less a collector would run cycle after cycle.
[[nodiscard]] LeverPlan plan_soft_maximum(const FlagReader& flags, const LeverSight& seen);

/// Shenandoah with generations or with a heap of one size, where the operator allows collections that are asked for: a soft
/// maximum makes young cycles run only, or none; what is dead a concurrent cycle of the whole heap finds.
[[nodiscard]] LeverPlan plan_asked_cycles(const FlagReader& flags, const LeverSight& seen);

/// Serial, and Parallel where it resizes in them: low free ratios make it shrink, a part of the way in each of a few full
/// collections.
[[nodiscard]] LeverPlan plan_full_collections(const FlagReader& flags, const LeverSight& seen);

/// Collectors that nothing moves without a full collection.
[[nodiscard]] LeverPlan plan_no_levers(const FlagReader& flags, const LeverSight& seen);

/// Settings in an order in which the JVM accepts each: it refuses MinHeapFreeRatio > MaxHeapFreeRatio at any moment, so
/// lowering, the minimum goes first, and raising, the maximum.
[[nodiscard]] std::vector<FlagSetting> in_safe_order(std::vector<FlagSetting> settings, const FlagReader& now);

}  // namespace aerostat::agent
