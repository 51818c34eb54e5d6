#include "host-controller/decide/frame.h"

#include <algorithm>

#include "host-controller/decide/appetite.h"
#include "host-controller/decide/booking.h"
#include "host-controller/decide/claims.h"
#include "host-controller/decide/growth.h"
#include "host-controller/decide/reach.h"

namespace aerostat::host {
namespace {

std::string why_untouched(const FrameGuest& guest, const HostState& state) {
    if (!guest.limits) return "observed only: no [guest] section names it";
    if (!guest.seen->left_alone.empty()) return "left alone: " + guest.seen->left_alone;
    if (!guest.seen->connected) return "not connected: charged for what it holds";
    if (state.paused_guests.contains(guest.seen->id)) return "paused by an operator";
    if (guest.seen->hands_off) return "paused by the guest's own off switch";
    if (guest.limits->hands_off()) return "min = max: hands off";
    return {};
}

// A guest that has just stalled shows what it needs before anything is taken from its cache again.
bool has_just_stalled(const GuestSeen& guest, const HostState& state) {
    return state.urgent.contains(LayerKeyView(guest.id, {}));
}

std::string why_untouched(const GuestSeen& guest, const FrameLayer& layer, const HostState& state,
                          const SharePolicy& policy) {
    if (!policy.moves(layer.seen->kind)) return "left alone by policy " + std::string(policy.name());
    if (layer.seen->kind == LayerKind::guest_os && has_just_stalled(guest, state)) return "its guest has just stalled";
    if (!layer.seen->can_move) return "this JVM has no balloon";
    if (layer.track && layer.track->aside_since) return "set aside: no progress towards its target";
    return {};
}

FrameLayer frame_layer(const GuestSeen& guest, const LayerSeen& seen, const HostState& state, const HostRules& rules,
                       TimePoint now) {
    FrameLayer layer;
    layer.seen = &seen;
    layer.track = track_of(state, guest, seen);
    layer.untouched_because = why_untouched(guest, layer, state, *rules.policy);
    layer.in_force = target_in_force(seen, layer.track);
    layer.entitled = entitled(seen, layer.track);
    layer.ceiling = std::max(seen.floor, seen.ceiling);
    layer.floor = seen.floor;
    if (const auto ceiling = state.ceilings.find(LayerKeyView(guest.id, seen.name)); ceiling != state.ceilings.end()) {
        layer.operator_ceiling = std::max(seen.floor, ceiling->second.footprint);
        layer.ceiling = std::min(layer.ceiling, *layer.operator_ceiling);
    }
    // What cannot be had from it others have to give.
    layer.reachable = reachable(seen, layer.track);
    if (seen.distress) layer.floor = std::max(layer.floor, layer.in_force.value_or(seen.footprint));
    if (const auto wish = state.urgent.find(LayerKeyView(guest.id, seen.name));
        wish != state.urgent.end() && now < wish->second.until) {
        layer.urgent = true;
        layer.floor = std::max(layer.floor, wish->second.floor);
    }
    layer.floor_as_told = std::min(layer.floor, layer.ceiling);
    layer.floor = std::min(std::max(layer.floor, layer.reachable.value_or(Bytes())), layer.ceiling);
    layer.useful = useful(seen, layer.track, now);
    if (!rules.policy->weighs_costs()) return layer;  // by other policies nobody is on his way anywhere
    layer.on_its_way_to = grows_to(seen, layer.track, rules);
    layer.is_young = is_young(seen) && !layer.on_its_way_to;
    if (layer.is_young) layer.on_its_way_to = soon_needed(seen);
    return layer;
}

Bytes kept_ready(const GuestSeen& guest, const HostState& state, TimePoint now) {
    const auto wish = state.urgent.find(LayerKeyView(guest.id, {}));
    return wish != state.urgent.end() && now < wish->second.until ? wish->second.floor : Bytes();
}

FrameGuest frame_guest(const GuestSeen& seen, const HostState& state, const HostRules& rules, TimePoint now) {
    FrameGuest guest;
    guest.seen = &seen;
    guest.limits = rules.limits_for(seen.name);
    guest.held = held(seen, state);
    guest.untouched_because = why_untouched(guest, state);
    guest.apart = seen.fixed + kept_ready(seen, state, now);
    for (const LayerSeen& layer : seen.layers) {
        guest.layers.push_back(frame_layer(seen, layer, state, rules, now));
        FrameLayer& framed = guest.layers.back();
        if (!guest.untouched_because.empty()) framed.untouched_because = guest.untouched_because;
        if (framed.untouched_because.empty())
            guest.shared.push_back(guest.layers.size() - 1);
        else
            guest.apart += framed.entitled;
    }
    if (guest.shared.empty()) guest.apart = std::max(guest.apart, guest.held);
    return guest;
}

}  // namespace

Frame frame_of(const HostSnapshot& seen, const HostState& state, const HostRules& rules, TimePoint now) {
    Frame frame;
    Bytes apart;
    frame.guests.reserve(seen.guests.size());
    frame.shared.reserve(seen.guests.size());
    for (const GuestSeen& guest : seen.guests) {
        frame.guests.push_back(frame_guest(guest, state, rules, now));
        const FrameGuest& framed = frame.guests.back();
        frame.charged += guest.charged;
        frame.held += framed.held;
        apart += framed.apart;
        if (framed.shared.empty()) continue;
        frame.shared.push_back(frame.guests.size() - 1);
    }
    frame.cushion = rules.dead_band(rules.capacity());
    put_up_for_sharing(frame, apart, state, rules, now);
    return frame;
}

}  // namespace aerostat::host
