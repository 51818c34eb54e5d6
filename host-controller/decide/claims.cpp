#include "host-controller/decide/claims.h"

#include <algorithm>

#include "host-controller/decide/appetite.h"
#include "host-controller/decide/growth.h"
#include "host-controller/decide/reach.h"
#include "host-controller/decide/segment_pool.h"

namespace aerostat::host {
namespace {

/// What heaps on their way up (young ones, and those that grow in need) are left, though others might have it: as much as
/// can be.
enum class OnTheirWay { grow, keep, as_priced };

Bytes left_to(const FrameLayer& layer, OnTheirWay mode) {
    if (mode == OnTheirWay::as_priced || !layer.on_its_way_to) return layer.floor;
    return std::clamp(mode == OnTheirWay::grow ? *layer.on_its_way_to : layer.seen->footprint, layer.floor, layer.ceiling);
}

// The part of what it is left that lies above the guest's max is not granted: its maximum stands.
ShareGuest share_guest(const FrameGuest& guest, OnTheirWay mode) {
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
        const Bytes lift = std::min(room, saturating_sub(left_to(layer, mode), own_floor));
        room = saturating_sub(room, lift);
        CostCurve curve = layer.seen->curve.clamped(own_floor + lift, layer.ceiling);
        if (layer.useful) curve = flat_above(curve, *layer.useful);
        share.layers.push_back({std::move(curve), layer.seen->footprint});
    }
    return share;
}

std::vector<ShareGuest> share_guests(const Frame& frame, OnTheirWay mode) {
    std::vector<ShareGuest> guests;
    guests.reserve(frame.shared.size());
    for (const std::size_t index : frame.shared) guests.push_back(share_guest(frame.guests[index], mode));
    return guests;
}

Bytes least_of(const std::vector<ShareGuest>& guests) {
    Bytes sum;
    for (const ShareGuest& guest : guests) sum += bounds_of(guest).least;
    return sum;
}

bool has_one_on_its_way(const Frame& frame) {
    return std::any_of(frame.guests.begin(), frame.guests.end(), [](const FrameGuest& guest) {
        return std::any_of(guest.shared.begin(), guest.shared.end(),
                           [&](std::size_t index) { return guest.layers[index].on_its_way_to.has_value(); });
    });
}

void share_what_fits(Frame& frame) {
    if (has_one_on_its_way(frame)) {
        for (const OnTheirWay mode : {OnTheirWay::grow, OnTheirWay::keep}) {
            frame.problem.guests = share_guests(frame, mode);
            if (least_of(frame.problem.guests) <= frame.problem.capacity) return;
        }
    }
    frame.problem.guests = share_guests(frame, OnTheirWay::as_priced);
}

// What a guest cannot do without, by the floors it reports.
Bytes least_as_told(const FrameGuest& guest, const ShareGuest& share) {
    Bytes floors;
    for (const std::size_t index : guest.shared) floors += guest.layers[index].floor_as_told;
    return std::min(std::max(floors, share.least), bounds_of(share).least);
}

// Orders have shown that a guest's max, or an operator's ceiling, cannot be had for now: others have to do with less.
Bytes beyond_bounds(const FrameGuest& guest, const ShareGuest& share) {
    Bytes beyond;
    for (std::size_t l = 0; l < guest.shared.size(); ++l) {
        const Bytes shown = guest.layers[guest.shared[l]].reachable.value_or(Bytes());
        beyond += saturating_sub(shown, share.layers[l].curve.floor());
    }
    return beyond;
}

void note_shortage(Frame& frame, Bytes needed, Bytes capacity) {
    Bytes least;
    Bytes as_told;
    for (std::size_t g = 0; g < frame.shared.size(); ++g) {
        const ShareGuest& share = frame.problem.guests[g];
        const Bytes beyond = beyond_bounds(frame.guests[frame.shared[g]], share);
        least += bounds_of(share).least + beyond;
        as_told += least_as_told(frame.guests[frame.shared[g]], share);
        frame.problem.capacity = saturating_sub(frame.problem.capacity, beyond);
    }
    frame.short_by = saturating_sub(needed + least, capacity);
    frame.short_by_as_told = saturating_sub(needed + as_told, capacity);
}

// As far as nobody lacks it: two that grow at the same moment are rare, so the largest counts.
void keep_ready(Frame& frame, const HostRules& rules, TimePoint now) {
    if (!rules.policy->weighs_costs()) return;
    Bytes most;
    for (const std::size_t index : frame.shared) {
        for (const FrameLayer& layer : frame.guests[index].layers)
            most = std::max(most, may_grow_by(layer.track, layer.entitled, now));
    }
    const Bytes beyond_least = saturating_sub(frame.problem.capacity, least_of(frame.problem.guests));
    frame.ready = std::min(kept_ready_for(most, rules), beyond_least);
    frame.problem.capacity = saturating_sub(frame.problem.capacity, frame.ready);
}

bool host_lacks_memory(const Frame& frame, Bytes capacity) {
    Bytes booked = frame.held;
    for (const FrameGuest& guest : frame.guests) {
        for (const FrameLayer& layer : guest.layers)
            if (layer.urgent) booked += saturating_sub(layer.floor, layer.entitled);
    }
    return booked > capacity || !frame.short_by.is_zero();
}

// Not the moment to try whether it has memory to spare.
bool is_in_need(const GuestSeen& guest, const LayerSeen& layer, const HostState& state) {
    return layer.distress || state.urgent.contains(LayerKeyView(guest.id, {})) ||
           state.urgent.contains(LayerKeyView(guest.id, layer.name));
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

void put_up_for_sharing(Frame& frame, Bytes apart, const HostState& state, const HostRules& rules, TimePoint now) {
    const Bytes needed = frame.cushion + apart;
    frame.problem.capacity = saturating_sub(rules.capacity(), needed);
    share_what_fits(frame);
    note_shortage(frame, needed, rules.capacity());
    keep_ready(frame, rules, now);
    plan_trials(frame, state, rules.capacity(), now);
}

}  // namespace aerostat::host
