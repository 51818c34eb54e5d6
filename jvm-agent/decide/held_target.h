#pragma once

#include <algorithm>
#include <optional>

#include "contract/clock.h"
#include "contract/messages.h"

namespace aerostat::agent {

/// What the last order has left in force. A value; pure.
struct HeldTarget {
    std::optional<HeapTarget> target{};  ///< absent: the heap is its program's own
    Cap cap = Cap::firm;                 ///< how firmly
    std::optional<TimePoint> until{};    ///< absent: for ever

    [[nodiscard]] bool has_expired(TimePoint now) const { return until && now >= *until; }
    [[nodiscard]] std::optional<Millis> left(TimePoint now) const {
        if (!until) return std::nullopt;
        return std::max(Millis(0), to_millis(*until - now));
    }
};

}  // namespace aerostat::agent
