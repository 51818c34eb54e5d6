#include "host-controller/decide/reach.h"

#include <algorithm>

namespace aerostat::host {
namespace {

constexpr Duration kFirstWait = std::chrono::seconds(30);
constexpr Duration kLongestWait = std::chrono::minutes(16);
constexpr double kMaterial = 0.25;  // a reported floor that fell by this share is another one

// Else time would have brought more, or something beside the layer stood in the way. (Who never gives anything is set
// aside.)
bool shows_a_limit(const ShrinkOutcome& outcome, Bytes noise) {
    switch (outcome.reason) {
        case EndReason::floor:
        case EndReason::not_reclaimable:
        case EndReason::gc_distress:
            return outcome.shortfall > noise;
        default:
            return false;
    }
}

}  // namespace

void note_outcome(HostState& state, const LayerKey& key, const LayerSeen& layer, const ShrinkOutcome& outcome,
                  const HostRules& rules, TimePoint now) {
    const auto found = state.tracks.find(key);
    if (found == state.tracks.end()) return;
    std::optional<Reach>& reach = found->second.reach;
    const Bytes noise = rules.dead_band(outcome.after);
    if (!shows_a_limit(outcome, noise)) {
        // What a try brought has often been seen before its outcome comes.
        const bool was_try = reach && now >= reach->until && outcome.after <= reach->footprint + noise;
        if (reach && outcome.obtained >= noise && (was_try || outcome.after < reach->footprint)) reach.reset();
        return;
    }
    const bool in_vain = outcome.obtained < noise;
    const Duration wait = reach && in_vain ? std::min(reach->wait * 2, kLongestWait) : kFirstWait;
    const Bytes said = reach ? std::min(reach->reported_floor, layer.floor) : layer.floor;
    reach = Reach{std::min(outcome.after, layer.ceiling), said, now + wait, wait};
}

void review_reach(LayerTrack& track, const LayerSeen& layer, const HostRules& rules, TimePoint now) {
    if (!track.reach) return;
    Reach& reach = *track.reach;
    const Bytes material = std::max(rules.dead_band(layer.floor) * 2, share_of(reach.reported_floor, kMaterial));
    // Long after it might have been asked again nobody has: what it was then is no guide.
    if (layer.floor + material < reach.reported_floor || now >= reach.until + reach.wait) return track.reach.reset();
    reach.reported_floor = std::min(reach.reported_floor, layer.floor);
    reach.footprint = std::min(reach.footprint, layer.footprint);
}

std::optional<Bytes> reachable(const LayerSeen& layer, const LayerTrack* track) {
    if (!track || !track->reach || track->reach->footprint <= layer.floor) return std::nullopt;
    return track->reach->footprint;
}

std::optional<Bytes> trial(const LayerSeen& layer, const LayerTrack* track, bool pressing, TimePoint now) {
    const auto shown = reachable(layer, track);
    if (!shown) return std::nullopt;
    const Reach& reach = *track->reach;
    const TimePoint due = pressing ? std::min(reach.until, reach.until - reach.wait + kFirstWait) : reach.until;
    if (now < due) return std::nullopt;
    return layer.floor + saturating_sub(*shown, layer.floor) / 2;
}

bool gives_nothing(const LayerTrack& track) { return track.reach && track.reach->wait >= kLongestWait; }

}  // namespace aerostat::host
