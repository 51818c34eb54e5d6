#include "jvm-agent/decide/lever_plan.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Below the gap between young collections of a busy program (100 ms gave no cycle at all there; 20 ms does).
constexpr std::int64_t kCycleIntervalMs = 20;
constexpr int kLowestMaxRatio = 10;

const char* const kMin = "MinHeapFreeRatio";
const char* const kMax = "MaxHeapFreeRatio";
const char* const kInterval = "G1PeriodicGCInterval";

bool is_ours(const std::optional<FlagState>& flag) { return flag && !flag->by_operator; }

void note(std::string& text, const std::optional<FlagState>& flag, const char* name) {
    if (!flag || !flag->by_operator) return;
    if (!text.empty()) text += ", ";
    text += name;
}

std::int64_t max_ratio_for(const HeapFacts& heap, HeapTarget target, std::optional<Bytes> live) {
    if (!live || target.footprint.is_zero() || heap.max.is_zero()) return kLowestMaxRatio;
    const double free = saturating_sub(target.footprint, *live).as_double() / target.footprint.as_double();
    return std::clamp(static_cast<int>(free * 100), kLowestMaxRatio, 60);
}

}  // namespace

LeverPlan plan_levers(const G1Flags& flags, const HeapFacts& heap, HeapTarget target, std::optional<Bytes> live) {
    LeverPlan plan;
    note(plan.left_alone, flags.min_free_ratio, kMin);
    note(plan.left_alone, flags.max_free_ratio, kMax);
    note(plan.left_alone, flags.periodic_interval, kInterval);
    const bool fixed = heap.committed <= heap.minimum;  // -Xms = -Xmx: nothing can be uncommitted, chunks do it all
    if (!fixed && is_ours(flags.min_free_ratio) && is_ours(flags.max_free_ratio)) {
        const std::int64_t max_ratio = std::min(max_ratio_for(heap, target, live), flags.max_free_ratio->value);
        const std::int64_t min_ratio = std::min(max_ratio / 2, flags.min_free_ratio->value);
        plan.keep = {{kMin, min_ratio}, {kMax, max_ratio}};
    }
    if (is_ours(flags.periodic_interval) && flags.periodic_is_concurrent) plan.cycle = {{kInterval, kCycleIntervalMs}};
    return plan;
}

std::vector<FlagSetting> undo_levers(const LeverPlan& plan, const G1Flags& before) {
    std::vector<FlagSetting> undo;
    if (!plan.cycle.empty()) undo.push_back({kInterval, before.periodic_interval->value});
    if (!plan.keep.empty()) {
        undo.push_back({kMax, before.max_free_ratio->value});
        undo.push_back({kMin, before.min_free_ratio->value});
    }
    return undo;
}

}  // namespace aerostat::agent
