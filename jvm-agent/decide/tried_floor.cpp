#include "jvm-agent/decide/tried_floor.h"

#include <algorithm>
#include <utility>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Duration kFirstBelief = std::chrono::seconds(30);
constexpr Duration kLongestBelief = std::chrono::minutes(10);
/// An order may be urgent, and does not say so: for no longer than this is one answered without a try.
constexpr Duration kAnswers = std::chrono::minutes(1);
/// So long after a try what is known may be known by it alone.
constexpr Duration kOwnNews = std::chrono::seconds(15);
/// A heap comes and goes by so much without anybody's doing.
constexpr std::uint64_t kSlackRegions = 4;
constexpr Bytes kSlackAtLeast = 16_MiB;
constexpr double kMostSlack = 0.12;  ///< of a small heap
/// Estimates of what is alive differ by so much without anything having died.
constexpr double kDiedShare = 0.15;
constexpr Bytes kDiedAtLeast = 16_MiB;

Bytes slack(Bytes level, Bytes region) {
    return std::min(share_of(level, kMostSlack), std::max(region * kSlackRegions, kSlackAtLeast));
}

bool about_the_same(Bytes a, Bytes b) {
    return saturating_sub(std::max(a, b), std::min(a, b)) <= std::max(share_of(b, kDiedShare), kDiedAtLeast);
}

}  // namespace

void TriedFloor::remember(Bytes footprint, Bytes alive, TimePoint now, std::optional<Duration> passes_in) {
    const bool confirmed = level_ && !passes_in && about_the_same(footprint, *level_);
    belief_ = confirmed ? std::min(belief_ * 2, kLongestBelief) : kFirstBelief;
    tried_at_ = now;
    believed_until_ = now + std::min(belief_, passes_in.value_or(belief_));
    level_ = footprint;
    alive_ = alive;
}

void TriedFloor::observe(Bytes footprint, std::optional<Bytes> alive, TimePoint now) {
    // Where it was not known before either, the try is all there is.
    const bool fell_silent = std::exchange(known_, alive.has_value()) && !alive;
    if (fell_silent && now - tried_at_ > kOwnNews) believed_until_ = {};
    if (!level_) return;
    level_ = std::min(*level_, footprint);
    if (alive && *alive + std::max(share_of(alive_, kDiedShare), kDiedAtLeast) < alive_) level_.reset();
}

std::optional<Bytes> TriedFloor::value(TimePoint now) const { return now < believed_until_ ? level_ : std::nullopt; }

bool TriedFloor::is_reached(Bytes footprint, Bytes target, Bytes region, TimePoint now) const {
    const auto level = value(now);
    return level && now - tried_at_ < kAnswers && target < *level && footprint <= *level + slack(*level, region);
}

}  // namespace aerostat::agent
