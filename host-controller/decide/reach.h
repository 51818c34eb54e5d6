#pragma once

#include <optional>

#include "contract/messages.h"
#include "host-controller/decide/plan.h"

// What a layer can really be brought to, where its orders have shown that its reported floor cannot be had. Pure.
namespace aerostat::host {

/// How an order to shrink ended, measured.
struct ShrinkOutcome {
    Bytes after;
    Bytes obtained;
    Bytes shortfall;
    EndReason reason = EndReason::met;
};

/// An order that fell short teaches how low the layer goes; the more of them in vain, the longer it is not asked again. One
/// that was met shows that it goes lower. Nothing of layers that nobody has ordered about.
void note_outcome(HostState& state, const LayerKey& key, const LayerSeen& layer, const ShrinkOutcome& outcome,
                  const HostRules& rules, TimePoint now);

/// Once a tick: a layer that is seen lower can go lower, and what its report no longer bears out is forgotten.
void review_reach(LayerTrack& track, const LayerSeen& layer, const HostRules& rules, TimePoint now);

/// What the share-out has to leave it; absent: nothing but its floor is known. It stands while a trial is made, too: what
/// others are to have depends on what the trial brings.
[[nodiscard]] std::optional<Bytes> reachable(const LayerSeen& layer, const LayerTrack* track);
/// What it may be asked to come to, to see whether it can by now; absent: nothing new for the time being. `pressing`: memory
/// is missing, and the first wait is enough.
[[nodiscard]] std::optional<Bytes> trial(const LayerSeen& layer, const LayerTrack* track, bool pressing, TimePoint now);
/// It has given nothing, however often it was asked.
[[nodiscard]] bool gives_nothing(const LayerTrack& track);

}  // namespace aerostat::host
