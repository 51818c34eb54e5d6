#pragma once

#include <optional>

#include "host-controller/decide/model.h"

// What a heap can make use of soon. Its curve tells what memory would be worth to it, not that it takes what it is given;
// and the curve of one that has just begun to work tells of its start. Pure.
namespace aerostat::host {

/// Once a tick: notes since when it has left room unused that it was given. One that is then given less room does not count
/// as using it: only growth into half of the room does.
void note_use(LayerTrack& track, const LayerSeen& layer, TimePoint now);

/// Its curve rests on too little to go by. For a minute at most, whatever it says.
[[nodiscard]] bool is_young(const LayerSeen& layer);

/// What it holds, and what it may grow by before it can be given more.
[[nodiscard]] Bytes soon_needed(const LayerSeen& layer);

/// Of what is free, the most that one order gives to a young one: others may begin to work a moment later, and would have to
/// wait until it has been taken away again.
[[nodiscard]] Bytes given_to_young(Bytes free);

/// More than this is worth nothing to it for now; absent: its curve says all.
[[nodiscard]] std::optional<Bytes> useful(const LayerSeen& layer, const LayerTrack* track, TimePoint now);

/// The curve as it is up to `most`, and from there on as it is there.
[[nodiscard]] CostCurve flat_above(const CostCurve& curve, Bytes most);

}  // namespace aerostat::host
