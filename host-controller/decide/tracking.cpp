#include "host-controller/decide/tracking.h"

#include <algorithm>

#include "host-controller/decide/appetite.h"
#include "host-controller/decide/booking.h"
#include "host-controller/decide/growth.h"
#include "host-controller/decide/reach.h"

namespace aerostat::host {
namespace {

constexpr Bytes kProgress{4ULL << 20};  // less than this is breathing, not progress
constexpr double kBreathing = 0.10;     // a firm balloon lets a busy heap pass its target by this much

void forget_delay(LayerTrack& track) {
    track.behind_since.reset();
    track.aside_since.reset();
    track.flagged = false;
}

// Whether the JVM does what it was told; a target below its floor cannot be met and counts as the floor, one below what it
// has shown it can come to as that. `lent`: what others of its guest leave to it for the time being.
bool keeps_up(const LayerTrack& track, const LayerSeen& layer, Bytes lent, const HostRules& rules) {
    if (!track.ordered) return true;
    // One that goes on by an older target has not heard, or does not want to.
    const Bytes target = std::min(layer.target.value_or(*track.ordered), *track.ordered);
    const Bytes shown = track.reach ? track.reach->footprint : Bytes();
    const Bytes aim = std::max({target, layer.floor, shown}) + lent;
    return layer.footprint <= aim + std::max(rules.dead_band(aim) * 2, share_of(aim, kBreathing));
}

// A guest OS is held together with the heaps: what these do not use of their targets, it may.
Bytes lent_to(const LayerSeen& layer, const GuestSeen& guest) {
    Bytes sum;
    if (layer.kind != LayerKind::guest_os) return sum;
    for (const LayerSeen& heap : guest.layers) {
        if (heap.kind == LayerKind::java_heap) sum += saturating_sub(heap.target.value_or(Bytes()), heap.footprint);
    }
    return sum;
}

// Of a guest that is left alone nothing is expected: one that is suspended, or copied, is not stuck.
void note_progress(LayerTrack& track, const LayerSeen& layer, const GuestSeen& guest, const HostRules& rules,
                   TimePoint now) {
    if (track.busy_until && now >= *track.busy_until) track.busy_until.reset();
    if (!guest.left_alone.empty() || keeps_up(track, layer, lent_to(layer, guest), rules)) {
        forget_delay(track);
        track.flagged = gives_nothing(track);
        return;
    }
    const bool moved = track.behind_since && layer.footprint + kProgress <= track.best_footprint;
    if (!track.behind_since || moved) {
        forget_delay(track);
        track.behind_since = now;
        track.best_footprint = layer.footprint;
        return;
    }
    const Duration still_for = now - *track.behind_since;
    if (track.aside_since && now - *track.aside_since >= rules.pacing.retry_after) return forget_delay(track);
    if (!track.aside_since && still_for >= rules.pacing.set_aside_after) track.aside_since = now;
    if (still_for >= rules.pacing.flag_after) track.flagged = true;
}

bool wishes(const HostState& state, const GuestSeen& guest, const LayerSeen& layer, TimePoint now) {
    const auto wish = state.urgent.find(LayerKeyView(guest.id, layer.name));
    return wish != state.urgent.end() && now < wish->second.until;
}

template <class Map, class Predicate>
void drop_if(Map& map, Predicate predicate) {
    for (auto it = map.begin(); it != map.end();) it = predicate(*it) ? map.erase(it) : std::next(it);
}

}  // namespace

HostState carry_over(const HostSnapshot& seen, const HostState& before, const HostRules& rules, TimePoint now) {
    HostState after = before;
    std::set<std::string_view> known;
    std::set<const LayerTrack*> present;
    for (const GuestSeen& guest : seen.guests) {
        known.insert(guest.id);
        for (const LayerSeen& layer : guest.layers) {
            const auto track = after.tracks.find(LayerKeyView(guest.id, layer.name));
            if (track == after.tracks.end()) continue;
            present.insert(&track->second);
            review_reach(track->second, layer, rules, now);
            note_use(track->second, layer, now);
            note_growth(track->second, layer, wishes(after, guest, layer, now), now);
            note_progress(track->second, layer, guest, rules, now);
        }
    }
    // An order under way is remembered while its JVM is missing: its guest's daemon may have just been started anew.
    const auto is_busy = [&](const LayerTrack& track) { return track.busy_until && now < *track.busy_until; };
    drop_if(after.tracks, [&](const auto& entry) {
        return !present.contains(&entry.second) && known.contains(entry.first.first) && !is_busy(entry.second);
    });
    drop_if(after.urgent, [&](const auto& entry) { return now >= entry.second.again_at; });
    drop_if(after.ceilings, [&](const auto& entry) { return entry.second.until && now >= *entry.second.until; });
    return after;
}

void note_ordered(HostState& state, const LayerKey& key, Bytes target, TimePoint until) {
    LayerTrack& track = state.tracks[key];
    track.ordered = target;
    track.busy_until = until;
}

bool shows_os_limit(Bytes asked, Bytes missing) { return missing + asked / 4 > asked; }

void note_os_short(HostState& state, const LayerKey& key, const LayerSeen& seen, Bytes limit, TimePoint until) {
    note_ordered(state, key, std::min(limit, std::max(seen.footprint, seen.target.value_or(Bytes()))), until);
}

void note_settling(HostState& state, const LayerKey& key, Bytes target, TimePoint until) {
    const auto found = state.tracks.find(key);
    if (found != state.tracks.end() && found->second.ordered == target) found->second.busy_until = until;
}

void note_urgent(HostState& state, const GuestSeen& guest, const std::string& jvm, Bytes wanted, const HostRules& rules,
                 TimePoint now) {
    const LayerKey key{guest.id, jvm};
    const auto known = state.urgent.find(key);
    if (known != state.urgent.end() && now < known->second.again_at) return;
    Bytes base;
    bool exists = jvm.empty();
    for (const LayerSeen& layer : guest.layers) {
        if (layer.name != jvm) continue;
        base = layer.footprint;
        exists = true;
    }
    if (!exists) return;
    const Duration lasts = rules.pacing.urgency_lasts;
    state.urgent[key] = {base + std::min(wanted, rules.emergency_reserve), now + lasts, now + 2 * lasts};
}

void forget_guest(HostState& state, const GuestId& guest) {
    const auto is_theirs = [&](const auto& entry) { return entry.first.first == guest; };
    drop_if(state.tracks, is_theirs);
    drop_if(state.urgent, is_theirs);
    drop_if(state.ceilings, is_theirs);
    state.paused_guests.erase(guest);
}

void set_ceiling(HostState& state, const LayerKey& key, Bytes footprint, std::optional<TimePoint> until) {
    state.ceilings[key] = {footprint, until};
}

void end_ceilings(HostState& state, const GuestId& guest, const std::string& jvm) {
    drop_if(state.ceilings,
            [&](const auto& entry) { return entry.first.first == guest && (jvm.empty() || entry.first.second == jvm); });
}

}  // namespace aerostat::host
