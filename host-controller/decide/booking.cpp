#include "host-controller/decide/booking.h"

#include <algorithm>

namespace aerostat::host {

const LayerTrack* track_of(const HostState& state, const GuestSeen& guest, const LayerSeen& layer) {
    const auto found = state.tracks.find(LayerKeyView(guest.id, layer.name));
    return found == state.tracks.end() ? nullptr : &found->second;
}

std::optional<Bytes> target_in_force(const LayerSeen& layer, const LayerTrack* track) {
    if (layer.target) return std::min(*layer.target, layer.ceiling);
    if (track && track->ordered && *track->ordered >= layer.ceiling && !track->busy_until) return layer.ceiling;
    return std::nullopt;
}

Bytes entitled(const LayerSeen& layer, const LayerTrack* track) {
    Bytes most = std::max(layer.footprint, target_in_force(layer, track).value_or(Bytes()));
    if (track && track->ordered && track->busy_until) most = std::max(most, std::min(*track->ordered, layer.ceiling));
    return most;
}

Bytes held(const GuestSeen& guest, const HostState& state) {
    Bytes total = guest.fixed;
    for (const LayerSeen& layer : guest.layers) total += entitled(layer, track_of(state, guest, layer));
    return std::max(guest.charged, total);
}

}  // namespace aerostat::host
