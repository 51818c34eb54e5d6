#pragma once

#include <string>
#include <vector>

#include "host-controller/decide/plan.h"

namespace aerostat::host {

/// A JVM as the policy may treat it in this tick.
struct FrameLayer {
    const LayerSeen* seen = nullptr;
    const LayerTrack* track = nullptr;
    std::string untouched_because;  ///< not empty: left out of sharing
    Bytes floor;                    ///< the domain the policy decides in
    Bytes floor_as_told;            ///< the same without what orders have shown
    Bytes ceiling;
    std::optional<Bytes> operator_ceiling;
    bool urgent = false;
    std::optional<Bytes> reachable;  ///< orders have shown that it does not come below this now
    std::optional<Bytes> trial;      ///< below that, to see whether it does by now
    std::optional<Bytes> useful;     ///< more would be left unused for now
    /// It has just begun to work, or grows in need: what it comes to soon. As far as that fits, it is left that.
    std::optional<Bytes> on_its_way_to;
    bool is_young = false;  ///< the former
    std::optional<Bytes> in_force;
    Bytes entitled;
};

struct FrameGuest {
    const GuestSeen* seen = nullptr;
    std::optional<GuestLimits> limits;
    std::string untouched_because;
    Bytes held;
    Bytes apart;  ///< what is not up for sharing: outside the heaps, and JVMs left out
    std::vector<FrameLayer> layers;
    std::vector<std::size_t> shared;  ///< indices of the layers that take part
};

/// The world cut into what may be shared out and what is set apart. Borrows from snapshot and state.
struct Frame {
    std::vector<FrameGuest> guests;
    std::vector<std::size_t> shared;  ///< indices of the guests that take part, in the order of problem.guests
    ShareProblem problem;
    Bytes charged;
    Bytes held;
    Bytes short_by;          ///< floors and minimums do not fit by this much
    Bytes short_by_as_told;  ///< not even by the floors that are reported
    Bytes cushion;           ///< of the capacity, never planned away: it takes up the noise of measuring
    Bytes ready;             ///< likewise, for one that has grown faster than others give
};

[[nodiscard]] Frame frame_of(const HostSnapshot& seen, const HostState& state, const HostRules& rules, TimePoint now);

}  // namespace aerostat::host
