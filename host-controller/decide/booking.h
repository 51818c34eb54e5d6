#pragma once

#include <optional>

#include "host-controller/decide/plan.h"

// What is spoken for. Free memory is what nobody holds and nobody is entitled to.
namespace aerostat::host {

/// The target that binds a JVM now, as agreed by both sides' books; absent: unrestrained.
/// A JVM told to keep everything reports no target; that counts as a target at its ceiling.
[[nodiscard]] std::optional<Bytes> target_in_force(const LayerSeen& layer, const LayerTrack* track);

/// What a JVM may hold without asking again: its footprint, the target in force or the one on its way, whichever is most.
[[nodiscard]] Bytes entitled(const LayerSeen& layer, const LayerTrack* track);

/// What a guest is booked for: measured, or what lies outside its heaps plus what these are entitled to, whichever is more.
[[nodiscard]] Bytes held(const GuestSeen& guest, const HostState& state);

/// What the whole of a container may hold once these orders are carried out, so that its hold follows its heaps: their
/// targets and its OS layer's. Absent: it is no container, or its OS layer is not held. Without bound: the hold ends.
[[nodiscard]] std::optional<GuestTarget> container_target(const GuestSeen& guest, const HostState& state,
                                                          const std::vector<LayerOrder>& layers);

[[nodiscard]] const LayerTrack* track_of(const HostState& state, const GuestSeen& guest, const LayerSeen& layer);

}  // namespace aerostat::host
