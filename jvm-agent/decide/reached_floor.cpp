#include "jvm-agent/decide/reached_floor.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Duration kFirstBelief = std::chrono::seconds(30);
constexpr Duration kLongestBelief = std::chrono::minutes(10);
/// A heap comes and goes by so much without anybody's doing.
constexpr double kSlackShare = 0.12;
constexpr Bytes kSlackAtLeast = 16_MiB;
/// Estimates of what is alive differ by so much without anything having died.
constexpr double kDiedShare = 0.15;
constexpr Bytes kDiedAtLeast = 16_MiB;

Bytes slack(Bytes level) { return std::max(share_of(level, kSlackShare), kSlackAtLeast); }

bool about_the_same(Bytes a, Bytes b) {
    return saturating_sub(std::max(a, b), std::min(a, b)) <= std::max(share_of(b, kDiedShare), kDiedAtLeast);
}

}  // namespace

void ReachedFloor::remember(Bytes footprint, Bytes alive, TimePoint now) {
    const bool confirmed = level_ && about_the_same(footprint, *level_);
    belief_ = confirmed ? std::min(belief_ * 2, kLongestBelief) : kFirstBelief;
    believed_until_ = now + belief_;
    level_ = footprint;
    alive_ = alive;
}

void ReachedFloor::observe(Bytes footprint, Bytes alive) {
    if (!level_) return;
    level_ = std::min(*level_, footprint);
    if (alive + std::max(share_of(alive_, kDiedShare), kDiedAtLeast) < alive_) level_.reset();
}

std::optional<Bytes> ReachedFloor::value(TimePoint now) const { return now < believed_until_ ? level_ : std::nullopt; }

bool ReachedFloor::is_reached(Bytes footprint, Bytes target, TimePoint now) const {
    const auto level = value(now);
    return level && footprint <= *level + slack(*level) && target <= *level + slack(*level);
}

}  // namespace aerostat::agent
