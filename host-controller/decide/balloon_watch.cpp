#include "host-controller/decide/balloon_watch.h"

#include <algorithm>

#include "host-controller/decide/balloon_step.h"

namespace aerostat::host {
namespace {

constexpr Duration kExplains = std::chrono::seconds(10);  // a slow guest may go on carrying out an order for so long
constexpr Duration kBoots = std::chrono::minutes(5);      // until the driver of a guest that reboots has come to rest
constexpr Bytes kNoise{8ULL << 20};                       // drivers count in pages of their own, and round

}  // namespace

void BalloonWatch::ordered(const GuestId& guest, Bytes target, TimePoint now) {
    Known& known = guests_[guest];
    known.is_anothers = false;
    if (!known.actual) return;  // explained by being the first that is seen
    if (now >= known.explained_until) known.low = known.high = *known.actual;
    known.low = std::min(known.low, target);
    known.high = std::max(known.high, target);
    known.explained_until = std::max(known.explained_until, now + kExplains);
}

void BalloonWatch::appeared(const GuestId& guest, Bytes at_start, TimePoint now) {
    Known fresh;
    fresh.at_start = at_start;
    fresh.starts_until = now + kBoots;
    guests_.insert_or_assign(guest, fresh);
}

void BalloonWatch::rebooted(const GuestId& guest, TimePoint now) { explain(guest, std::nullopt, now + kBoots, now); }

void BalloonWatch::refitted(const GuestId& guest, TimePoint now) { explain(guest, Bytes(), now + kExplains, now); }

// Sizes from `low` on (none: from the least that is explained already) up to whatever RAM there is.
void BalloonWatch::explain(const GuestId& guest, std::optional<Bytes> low, TimePoint until, TimePoint now) {
    const auto found = guests_.find(guest);
    if (found == guests_.end() || !found->second.actual) return;  // explained by being the first that is seen
    Known& known = found->second;
    if (now >= known.explained_until) known.low = *known.actual;
    known.low = low.value_or(std::min(known.low, *known.actual));
    known.high = Bytes(Bytes::kLimit);
    known.explained_until = std::max(known.explained_until, until);
}

std::optional<ForeignMove> BalloonWatch::saw(const GuestId& guest, Bytes actual, TimePoint now) {
    Known& known = guests_[guest];
    if (!known.actual) {
        // A daemon before us may have left one step outstanding.
        known.actual = known.high = actual;
        known.low = saturating_sub(actual, kLargestBalloonStep);
        known.explained_until = now + kExplains;
        if (known.at_start && *known.at_start < actual && now < known.starts_until) {
            known.low = std::min(known.low, *known.at_start);
            known.high = Bytes(Bytes::kLimit);
            known.explained_until = known.starts_until;
        }
        return std::nullopt;
    }
    if (now >= known.explained_until) known.low = known.high = *known.actual;
    const bool below = actual + kNoise < known.low;
    const bool above = actual > known.high + kNoise;
    if (!below && !above) {
        // A drift in small steps adds up: at rest the size stays what it was compared with.
        if (now < known.explained_until) known.actual = actual;
        return std::nullopt;
    }
    known.foreign = ForeignMove{*known.actual, actual};
    known.yielded_until = now + kYieldsFor;
    // Who took pages back may have been in need, with our order still in force.
    known.is_anothers = below;
    known.actual = known.low = known.high = actual;
    known.explained_until = TimePoint{};
    return known.foreign;
}

std::string BalloonWatch::yields(const GuestId& guest, TimePoint now) const {
    const auto known = guests_.find(guest);
    if (known == guests_.end() || !known->second.foreign || now >= known->second.yielded_until) return {};
    return describe(*known->second.foreign);
}

bool BalloonWatch::obeys_another(const GuestId& guest, TimePoint now) const {
    return !yields(guest, now).empty() && guests_.at(guest).is_anothers;
}

void BalloonWatch::take_back(const GuestId& guest) {
    if (const auto known = guests_.find(guest); known != guests_.end()) known->second.foreign.reset();
}

std::string describe(const ForeignMove& move) {
    const std::string sizes = " (" + format_bytes(move.from) + " -> " + format_bytes(move.to) + ")";
    if (move.took()) return "somebody else has set its balloon" + sizes;
    return "its balloon gave memory back without an order of ours" + sizes +
           ": the guest was in need, or somebody else has set it";
}

}  // namespace aerostat::host
