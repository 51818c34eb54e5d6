#pragma once

#include <optional>

#include "host-controller/decide/model.h"
#include "host-controller/decide/rules.h"

// Heaps that grow in need, past their targets: local safety comes before orders, and who loads 300 MiB within seconds is
// faster than others give. What can be done before, and while it lasts. Pure.
namespace aerostat::host {

/// Once a tick: how fast a heap grows in distress, or while an urgent wish of it (`wanted`) lasts: what it was given for
/// that it takes in need. (Filling what it was given else is none.)
void note_growth(LayerTrack& track, const LayerSeen& layer, bool wanted, TimePoint now);

/// What one in distress comes to before an order to others has brought something: as fast as it has grown in each of
/// the last two looks, for one step up is none that goes on. Absent: it does not grow.
[[nodiscard]] std::optional<Bytes> grows_to(const LayerSeen& layer, const LayerTrack* track, const HostRules& rules);

/// It has grown by so much before, and may again: what it is entitled to counts. Half of it is forgotten in half an hour.
[[nodiscard]] Bytes may_grow_by(const LayerTrack* track, Bytes entitled, TimePoint now);

/// Of the capacity, what is kept ready for the one that may grow by `most`: what goes beyond the emergency reserve, an
/// eighth of the capacity at most.
[[nodiscard]] Bytes kept_ready_for(Bytes most, const HostRules& rules);

}  // namespace aerostat::host
