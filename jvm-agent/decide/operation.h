#pragma once

#include <cstdint>
#include <string>

#include "jvm-agent/decide/held_target.h"
#include "jvm-agent/decide/shrink_plan.h"

namespace aerostat::agent {

/// What Operation::has_found_floor() is told of the collector when an operation has ended.
struct EndSight {
    CollectionKind kind = CollectionKind::young_and_marking;
    LeverPhase levers = LeverPhase::unused;
    bool exhausted = false;  ///< so many cycles have brought nothing that no more is to be had
    Bytes region;
    std::uint64_t guard_releases = 0;
};

/// An order to shrink that is being carried out, and how things stood when it was accepted. A value; pure.
struct Operation {
    SetHeapTarget order;
    TimePoint started{};
    Bytes resident_before;
    Bytes balloon_before;
    HeldTarget held_before;
    std::uint64_t releases_before = 0;  ///< Guard::releases()
    bool slight = false;                ///< (more) collections would not bring enough: only what is free is taken
    bool same_try = false;              ///< answered from memory: nothing is tried, and nothing learned
    Bytes native{};                     ///< memory beside the heap that went, too

    /// The guard has let chunks go since.
    [[nodiscard]] bool is_hurt(std::uint64_t guard_releases) const { return guard_releases > releases_before; }
    /// What was obtained, when so much is resident in the end.
    [[nodiscard]] OperationResult answer(EndReason reason, std::string detail, Bytes resident) const;
    /// It has tried all there is, and what is resident now is the least that could be had. Not where chunks lie in an old
    /// generation: they grow with time, and full collections have a budget, so that a later try may obtain more.
    [[nodiscard]] bool has_found_floor(const OperationResult& result, const EndSight& seen) const;
};

}  // namespace aerostat::agent
