#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/roles.h"
#include "jvm-agent/decide/heap_facts.h"

// Which of G1's own run-time settings make it give memory back, and to what they may be set. Pure.
namespace aerostat::agent {

/// One of the JVM's flags as it stands.
struct FlagState {
    std::int64_t value = 0;
    bool by_operator = false;  ///< named on the command line, in the environment or in a file: not ours to change
};

/// The flags that matter here; absent where this JVM does not have them.
struct G1Flags {
    std::optional<FlagState> min_free_ratio;     ///< MinHeapFreeRatio
    std::optional<FlagState> max_free_ratio;     ///< MaxHeapFreeRatio
    std::optional<FlagState> periodic_interval;  ///< G1PeriodicGCInterval, ms
    bool periodic_is_concurrent = false;         ///< G1PeriodicGCInvokesConcurrent: else it means full collections
};

struct FlagSetting {
    std::string name;
    std::int64_t value = 0;
    bool operator==(const FlagSetting&) const = default;
};

/// What to set, in this order. Empty lists are a plan too: there is no lever.
struct LeverPlan {
    std::vector<FlagSetting> keep;   ///< for as long as the target is in force
    std::vector<FlagSetting> cycle;  ///< only while concurrent cycles still find garbage or give memory back
    std::string left_alone;          ///< what is the operator's, for people; empty if nothing
};

/// `live` is the live set if it is known: the free ratio is then made to fit the target instead of the least possible.
[[nodiscard]] LeverPlan plan_levers(const G1Flags& flags, const HeapFacts& heap, HeapTarget target,
                                    std::optional<Bytes> live);

/// The settings that undo `plan`: intervals first, and the maximum before the minimum, because the JVM refuses Min > Max.
[[nodiscard]] std::vector<FlagSetting> undo_levers(const LeverPlan& plan, const G1Flags& before);

}  // namespace aerostat::agent
