#include "jvm-agent/decide/lever_plan.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Below the gap between young collections of a busy program (100 ms gave no cycle at all there; 20 ms does).
constexpr std::int64_t kCycleIntervalMs = 20;
/// Collections asked for at every opportunity make G1 commit more, because so much of the time goes into pauses.
constexpr std::int64_t kRestIntervalMs = 250;
constexpr std::int64_t kLowestMaxRatio = 10, kHighestMaxRatio = 60, kHighestHeldRatio = 90;
/// While a heap is held by its size: a remark makes it larger only where hardly anything is free.
constexpr std::int64_t kLowestMinRatio = 5;
/// Of what is free, what a remark that counts eden finds free: a little has been allocated since the collection before it.
constexpr double kLeftByEden = 0.875;
/// What is thought to be alive may be too much by so much.
constexpr double kSurelyAlive = 0.85;
/// ZGC and Shenandoah start a cycle when what is free below the soft maximum falls under 5 to 10 % of it, the balloon
/// included (HeapFacts::headroom), or to what the program allocates during one. While a target is only held they must find
/// more, or they run back to back.
constexpr double kHeldOccupancy = 0.70;

const char* const kMin = "MinHeapFreeRatio";
const char* const kMax = "MaxHeapFreeRatio";
const char* const kInterval = "G1PeriodicGCInterval";
const char* const kConcurrent = "G1PeriodicGCInvokesConcurrent";
const char* const kSoftMax = "SoftMaxHeapSize";

bool is_ours(const std::optional<FlagState>& flag) { return flag && !flag->by_operator; }

void note(std::string& text, const std::optional<FlagState>& flag, const char* name) {
    if (!flag || !flag->by_operator) return;
    if (!text.empty()) text += ", ";
    text += name;
}

/// What a heap of that size leaves free. Of what is granted a held heap may use more than the JVM's own setting would leave
/// it, which at the next remark makes any heap smaller that is more than three times what is alive.
std::int64_t free_ratio(Bytes size, std::optional<Bytes> occupied) {
    if (!occupied || size.is_zero()) return 0;
    const double free = saturating_sub(size, *occupied).as_double() / size.as_double();
    return std::min(kHighestHeldRatio, static_cast<std::int64_t>(free * 100));
}

/// A remark makes the heap as large as its target, where it is smaller: by what it is given the collector works less. It
/// makes it no larger where it is not: chunks would have to take that, and would then be found occupied.
std::int64_t least_free_ratio(const LeverSight& seen) {
    const Bytes size = seen.target.footprint + seen.balloon;
    if (seen.heap.committed >= size || size.is_zero()) return kLowestMinRatio;
    const Bytes free = saturating_sub(size, seen.application + seen.balloon);
    const Bytes left = seen.heap.counts_eden ? share_of(free, kLeftByEden) : free;
    return std::max(kLowestMinRatio, static_cast<std::int64_t>(left.as_double() / size.as_double() * 100));
}

/// That share of the heap free, in percent, as it would be found without the balloon in it.
std::int64_t beside_balloon(std::int64_t ratio, const LeverSight& seen) {
    const double occupied_share = 1 - static_cast<double>(std::clamp<std::int64_t>(ratio, 0, 99)) / 100;
    const double heap = seen.application.as_double() / occupied_share;
    const double all = heap + seen.balloon.as_double();
    return all > 0 ? static_cast<std::int64_t>((heap - seen.application.as_double()) / all * 100) : ratio;
}

void plan_free_ratios(const FlagReader& flags, const LeverSight& seen, LeverPlan& plan) {
    const auto min = flags(kMin);
    const auto max = flags(kMax);
    note(plan.left_alone, min, kMin);
    note(plan.left_alone, max, kMax);
    const bool fixed = seen.heap.committed <= seen.heap.minimum;  // -Xms = -Xmx: nothing can be uncommitted
    if (fixed || !is_ours(min) || !is_ours(max)) return;
    plan.follows_balloon = seen.heap.grows_at_pauses > 0;
    if (seen.yields) {
        plan.keep = {{kMin, beside_balloon(min->value, seen)}, {kMax, beside_balloon(max->value, seen)}};
        return;
    }
    std::int64_t max_ratio = std::min(max_free_ratio(seen.target, seen.live), max->value);
    if (plan.follows_balloon && !seen.drive) max_ratio = std::max(max_ratio, free_ratio(seen.target.footprint, seen.live));
    const std::int64_t min_ratio = plan.follows_balloon ? least_free_ratio(seen) : std::min(max_ratio / 2, min->value);
    plan.keep = {{kMin, std::min(min_ratio, max_ratio)}, {kMax, max_ratio}};
}

/// A remark makes the heap at most as large as what it finds occupied, over what is not free. Driven, that is known; held,
/// no remark may make it smaller than it is to be, whatever it finds.
void plan_size(const FlagReader& flags, const LeverSight& seen, LeverPlan& plan) {
    plan_free_ratios(flags, seen, plan);
    if (plan.keep.empty() || seen.size->is_zero()) return;
    const bool exact = seen.drive || seen.exact;
    const Bytes application = exact ? seen.application : share_of(seen.live.value_or(Bytes()), kSurelyAlive);
    Bytes occupied = application + seen.balloon;
    if (seen.exact && seen.heap.counts_eden) occupied = std::max(occupied, seen.heap.used);
    const std::int64_t max_ratio = std::max<std::int64_t>(1, free_ratio(*seen.size, occupied));
    std::int64_t min_ratio = seen.drive ? kLowestMinRatio : least_free_ratio(seen);
    const double left = seen.heap.counts_eden && !seen.exact ? kLeftByEden : 1;
    if (exact && seen.heap.committed < *seen.size)
        min_ratio = static_cast<std::int64_t>(static_cast<double>(max_ratio) * left);
    else if (seen.holds_busy)
        min_ratio = 0;
    min_ratio = std::min(min_ratio, max_ratio);
    plan.keep = {{kMin, min_ratio}, {kMax, max_ratio}};
    plan.sizes_heap = plan.follows_balloon = true;
}

}  // namespace

std::int64_t max_free_ratio(HeapTarget target, std::optional<Bytes> live) {
    if (!live || target.footprint.is_zero()) return kLowestMaxRatio;
    const double free = saturating_sub(target.footprint, *live).as_double() / target.footprint.as_double();
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(free * 100), kLowestMaxRatio, kHighestMaxRatio);
}

LeverPlan plan_g1_levers(const FlagReader& flags, const LeverSight& seen) {
    LeverPlan plan;
    const auto interval = flags(kInterval);
    const auto concurrent = flags(kConcurrent);
    seen.size ? plan_size(flags, seen, plan) : plan_free_ratios(flags, seen, plan);
    if (seen.holds_busy && is_ours(flags(kTimeRatioFlag))) plan.hold = {{kTimeRatioFlag, kHoldingTimeRatio}};
    note(plan.left_alone, interval, kInterval);
    // Without this flag a periodic collection is a full one.
    if (seen.drive && is_ours(interval) && concurrent && concurrent->value != 0)
        plan.cycle = {{kInterval, seen.rest ? kRestIntervalMs : kCycleIntervalMs}};
    plan.drives = !plan.cycle.empty();
    return plan;
}

LeverPlan plan_soft_maximum(const FlagReader& flags, const LeverSight& seen) {
    LeverPlan plan;
    const auto soft_max = flags(kSoftMax);
    note(plan.left_alone, soft_max, kSoftMax);
    if (!is_ours(soft_max)) return plan;
    // Driven, it may lie below what is occupied: the next cycles show what of that is garbage. Held, it may not.
    const Bytes headroom = headroom_at(seen.heap, seen.target.footprint + seen.balloon);
    const Bytes held = std::max(share_of(seen.application, 1 / kHeldOccupancy), seen.application + headroom);
    const Bytes needed = seen.drive ? seen.live.value_or(Bytes()) : held;
    const Bytes wanted = std::max(seen.target.footprint, needed) + seen.balloon;
    const Bytes value = std::clamp(wanted, std::min(seen.heap.region, seen.heap.max), seen.heap.max);
    plan.keep = {{kSoftMax, static_cast<std::int64_t>(value.count())}};
    plan.drives = seen.drive && seen.heap.used > share_of(value, kHeldOccupancy);
    plan.follows_balloon = true;
    return plan;
}

LeverPlan plan_asked_cycles(const FlagReader& flags, const LeverSight& seen) {
    LeverPlan plan = plan_soft_maximum(flags, seen);
    plan.drives = plan.collects_fully = seen.drive && !plan.keep.empty();
    return plan;
}

LeverPlan plan_full_collections(const FlagReader& flags, const LeverSight& seen) {
    LeverPlan plan;
    plan_free_ratios(flags, seen, plan);
    plan.drives = plan.collects_fully = seen.drive && !plan.keep.empty();
    return plan;
}

LeverPlan plan_no_levers(const FlagReader&, const LeverSight&) { return {}; }

std::vector<FlagSetting> in_safe_order(std::vector<FlagSetting> settings, const FlagReader& now) {
    const auto named = [&](const char* name) {
        return std::find_if(settings.begin(), settings.end(), [&](const FlagSetting& one) { return one.name == name; });
    };
    const auto min = named(kMin);
    const auto max = named(kMax);
    const auto present = now(kMax);
    if (min == settings.end() || max == settings.end() || !present) return settings;
    const bool max_first = min->value > present->value;
    if (max_first != (max < min)) std::swap(*min, *max);
    return settings;
}

}  // namespace aerostat::agent
