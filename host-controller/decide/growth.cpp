#include "host-controller/decide/growth.h"

#include <algorithm>
#include <cmath>

namespace aerostat::host {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(900);  // reports come once a second
constexpr Duration kUnseen = std::chrono::seconds(5);       // growth over longer is not known by the second
constexpr Duration kDelivery = std::chrono::seconds(2);     // from a report to what others gave because of it
constexpr double kLatelyHalves = 3;                         // seconds
constexpr double kMostHalves = 1800;
constexpr std::uint64_t kMostShare = 8;

Bytes faded(Bytes amount, Duration age, double halves) {
    return share_of(amount, std::exp2(-std::max(0.0, to_seconds(age)) / halves));
}

Bytes most_of(const Growth& growth, TimePoint now) { return faded(growth.most, now - growth.most_at, kMostHalves); }

}  // namespace

void note_growth(LayerTrack& track, const LayerSeen& layer, bool wanted, TimePoint now) {
    if (layer.kind != LayerKind::java_heap) return;
    if (!track.growth) track.growth = Growth{layer.footprint, now, {}, {}, {}, {}, {}, now};
    Growth& growth = *track.growth;
    const Duration since = now - growth.at;
    if (since < kLook) return;
    growth.lately = faded(growth.lately, since, kLatelyHalves);
    const bool in_need = layer.distress || wanted;
    const Bytes grown = in_need && since < kUnseen ? saturating_sub(layer.footprint, growth.seen) : Bytes();
    const Bytes pace = share_of(grown, 1 / to_seconds(since));
    growth.lately += grown;
    growth.goes_on = std::min(growth.pace, pace);
    growth.pace = pace;
    growth.seen = layer.footprint;
    growth.at = now;
    if (growth.lately <= most_of(growth, now)) return;
    growth.most = growth.lately;
    growth.to = layer.footprint;
    growth.most_at = now;
}

std::optional<Bytes> grows_to(const LayerSeen& layer, const LayerTrack* track, const HostRules& rules) {
    if (!layer.distress || !track || !track->growth || track->growth->pace < rules.dead_band(layer.footprint))
        return std::nullopt;
    return layer.footprint + share_of(track->growth->goes_on, to_seconds(kDelivery));
}

Bytes may_grow_by(const LayerTrack* track, Bytes entitled, TimePoint now) {
    if (!track || !track->growth) return {};
    return std::min(most_of(*track->growth, now), saturating_sub(track->growth->to, entitled));
}

Bytes kept_ready_for(Bytes most, const HostRules& rules) {
    return std::min(saturating_sub(most, rules.emergency_reserve), rules.capacity() / kMostShare);
}

}  // namespace aerostat::host
