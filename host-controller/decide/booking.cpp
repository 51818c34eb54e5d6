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

std::optional<GuestTarget> container_target(const GuestSeen& guest, const HostState& state,
                                            const std::vector<LayerOrder>& layers) {
    std::optional<Bytes> os;
    Bytes heaps;
    for (const LayerSeen& layer : guest.layers) {
        const LayerTrack* track = track_of(state, guest, layer);
        const auto order =
            std::find_if(layers.begin(), layers.end(), [&](const auto& one) { return one.layer == layer.name; });
        const auto ordered = order == layers.end() ? std::nullopt : std::optional(order->target.footprint);
        if (layer.kind == LayerKind::java_heap)
            heaps += std::min(ordered.value_or(entitled(layer, track)), std::max(layer.ceiling, layer.footprint));
        else if (layer.from_inside)
            os = ordered ? ordered : target_in_force(layer, track);
        if (layer.from_inside && os && *os >= layer.ceiling) os = Bytes(Bytes::kLimit);
    }
    if (!os) return std::nullopt;
    return GuestTarget{std::min(*os + heaps, Bytes(Bytes::kLimit))};
}

Bytes held(const GuestSeen& guest, const HostState& state) {
    Bytes total = guest.fixed;
    for (const LayerSeen& layer : guest.layers) total += entitled(layer, track_of(state, guest, layer));
    return std::max(guest.charged, total);
}

}  // namespace aerostat::host
