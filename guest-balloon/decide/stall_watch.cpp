#include "guest-balloon/decide/stall_watch.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

constexpr Duration kPsiSpan = std::chrono::milliseconds(2000);  // the kernel's own period
constexpr Duration kRefaultSpan = std::chrono::milliseconds(1000);
constexpr Duration kProvenBefore = std::chrono::milliseconds(4500);  // both periods, and what lies between two looks
constexpr Bytes kLeastRelief{1ULL << 20U};

}  // namespace

void StallWatch::note(const StallSight& seen, std::optional<double> price, TimePoint now) {
    price_ = price;
    looks_.push_back({seen, now});
    while (looks_.size() > 2 && now - looks_[1].at >= kProvenBefore) looks_.pop_front();
}

const StallWatch::Look* StallWatch::before(Duration span) const {
    const auto found =
        std::find_if(looks_.rbegin(), looks_.rend(), [&](const Look& look) { return looks_.back().at - look.at >= span; });
    return found == looks_.rend() ? nullptr : &*found;
}

double StallWatch::stall() const {
    double most = 0;
    if (const Look* then = before(kPsiSpan); then && then->seen.stalled && looks_.back().seen.stalled) {
        const Duration stalled = *looks_.back().seen.stalled - *then->seen.stalled;
        most = std::max(most, to_seconds(stalled) / to_seconds(looks_.back().at - then->at));
    }
    if (const Look* then = before(kRefaultSpan); price_ && then && then->seen.refaults && looks_.back().seen.refaults) {
        const std::uint64_t was = std::min(*then->seen.refaults, *looks_.back().seen.refaults);
        const auto refaults = static_cast<double>(*looks_.back().seen.refaults - was);
        most = std::max(most, refaults * *price_ / to_seconds(looks_.back().at - then->at));
    }
    return most;
}

Bytes StallWatch::proven() const { return looks_.empty() ? Bytes() : looks_.front().seen.held; }

Bytes relief(Bytes hold, Bytes holding, double stall, double budget) {
    const Bytes bit = std::max(hold / 32, kLeastRelief);
    if (!(stall > budget) || holding + bit * 2 < hold) return {};
    return share_of(bit, std::min(4.0, budget > 0 ? stall / budget : 4.0));
}

}  // namespace aerostat::guest
