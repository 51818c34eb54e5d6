#include "host-controller/decide/frame.h"

#include <algorithm>

#include "host-controller/decide/booking.h"
#include "host-controller/decide/reach.h"
#include "host-controller/decide/segment_pool.h"

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

// Not the moment to try whether it has memory to spare.
bool is_in_need(const GuestSeen& guest, const LayerSeen& layer, const HostState& state) {
    return layer.distress || has_just_stalled(guest, state) || state.urgent.contains(LayerKeyView(guest.id, layer.name));
}

std::string why_untouched(const GuestSeen& guest, const FrameLayer& layer, const HostState& state,
                          const SharePolicy& policy) {
    if (!policy.moves(layer.seen->kind)) return "left alone by policy " + std::string(policy.name());
    if (layer.seen->kind == LayerKind::guest_os && has_just_stalled(guest, state)) return "its guest has just stalled";
    if (!layer.seen->can_move) return "this JVM has no balloon";
    if (layer.track && layer.track->aside_since) return "set aside: no progress towards its target";
    return {};
}

FrameLayer frame_layer(const GuestSeen& guest, const LayerSeen& seen, const HostState& state, const SharePolicy& policy,
                       TimePoint now) {
    FrameLayer layer;
    layer.seen = &seen;
    layer.track = track_of(state, guest, seen);
    layer.untouched_because = why_untouched(guest, layer, state, policy);
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
        guest.layers.push_back(frame_layer(seen, layer, state, *rules.policy, now));
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

// The part of an urgent floor that lies above the guest's max is not granted: its maximum stands.
ShareGuest share_guest(const FrameGuest& guest) {
    ShareGuest share;
    share.weight = guest.limits->weight;
    if (guest.limits->min) share.least = saturating_sub(*guest.limits->min, guest.apart);
    if (guest.limits->max) share.most = saturating_sub(*guest.limits->max, guest.apart);
    Bytes room = share.most;
    for (const std::size_t index : guest.shared)
        room = saturating_sub(room, std::min(guest.layers[index].seen->floor, guest.layers[index].ceiling));
    for (const std::size_t index : guest.shared) {
        const FrameLayer& layer = guest.layers[index];
        const Bytes own_floor = std::min(layer.seen->floor, layer.ceiling);
        const Bytes lift = std::min(room, saturating_sub(layer.floor, own_floor));
        room = saturating_sub(room, lift);
        share.layers.push_back({layer.seen->curve.clamped(own_floor + lift, layer.ceiling), layer.seen->footprint});
    }
    return share;
}

// What a guest cannot do without, by the floors it reports.
Bytes least_as_told(const FrameGuest& guest, const ShareGuest& share) {
    Bytes floors;
    for (const std::size_t index : guest.shared) floors += guest.layers[index].floor_as_told;
    return std::min(std::max(floors, share.least), bounds_of(share).least);
}

void note_shortage(Frame& frame, Bytes needed, Bytes capacity) {
    Bytes least;
    Bytes as_told;
    for (std::size_t g = 0; g < frame.shared.size(); ++g) {
        const ShareGuest& share = frame.problem.guests[g];
        least += bounds_of(share).least;
        as_told += least_as_told(frame.guests[frame.shared[g]], share);
    }
    frame.short_by = saturating_sub(needed + least, capacity);
    frame.short_by_as_told = saturating_sub(needed + as_told, capacity);
}

bool host_lacks_memory(const Frame& frame, Bytes capacity) {
    Bytes booked = frame.held;
    for (const FrameGuest& guest : frame.guests) {
        for (const FrameLayer& layer : guest.layers)
            if (layer.urgent) booked += saturating_sub(layer.floor, layer.entitled);
    }
    return booked > capacity || !frame.short_by.is_zero();
}

// Trials cost guests collections: they are rare, but where memory is missing.
void plan_trials(Frame& frame, const HostState& state, Bytes capacity, TimePoint now) {
    const bool host_lacks = host_lacks_memory(frame, capacity);
    for (std::size_t g = 0; g < frame.shared.size(); ++g) {
        FrameGuest& guest = frame.guests[frame.shared[g]];
        const auto base_of = [](const FrameLayer& layer) { return layer.in_force.value_or(layer.seen->footprint); };
        Bytes sum;
        for (const std::size_t index : guest.shared) sum += base_of(guest.layers[index]);
        const bool guest_lacks = host_lacks || sum > frame.problem.guests[g].most;
        for (const std::size_t index : guest.shared) {
            FrameLayer& layer = guest.layers[index];
            if (is_in_need(*guest.seen, *layer.seen, state)) continue;
            const bool above_ceiling = layer.operator_ceiling && base_of(layer) > *layer.operator_ceiling;
            layer.trial = trial(*layer.seen, layer.track, guest_lacks || above_ceiling, now);
        }
    }
}

}  // namespace

Frame frame_of(const HostSnapshot& seen, const HostState& state, const HostRules& rules, TimePoint now) {
    Frame frame;
    Bytes apart;
    frame.guests.reserve(seen.guests.size());
    frame.shared.reserve(seen.guests.size());
    frame.problem.guests.reserve(seen.guests.size());
    for (const GuestSeen& guest : seen.guests) {
        frame.guests.push_back(frame_guest(guest, state, rules, now));
        const FrameGuest& framed = frame.guests.back();
        frame.charged += guest.charged;
        frame.held += framed.held;
        apart += framed.apart;
        if (framed.shared.empty()) continue;
        frame.shared.push_back(frame.guests.size() - 1);
        frame.problem.guests.push_back(share_guest(framed));
    }
    frame.cushion = rules.dead_band(rules.capacity());
    frame.problem.capacity = saturating_sub(rules.capacity(), frame.cushion + apart);
    note_shortage(frame, frame.cushion + apart, rules.capacity());
    plan_trials(frame, state, rules.capacity(), now);
    return frame;
}

}  // namespace aerostat::host
