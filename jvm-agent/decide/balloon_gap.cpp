#include "jvm-agent/decide/balloon_gap.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Smaller gaps than this between the balloon and its goal are left alone.
constexpr std::uint64_t kWorthwhileRegions = 2;
constexpr Bytes kGap = Bytes(16ULL << 20);
constexpr double kGapShare = 0.05;

}  // namespace

Bytes BalloonGap::missing() const {
    const Bytes all = saturating_sub(limit, balloon);
    if (!held.target || held.cap != Cap::elastic) return all;
    return std::min(all, round_up(saturating_sub(resident, held.target->footprint), region));
}

Bytes BalloonGap::least_burst() const {
    const Bytes least = region * (in_old ? 1 : kWorthwhileRegions);
    const bool can_wait = held.target && held.cap == Cap::firm && !in_old && resident <= held.target->footprint;
    return can_wait ? std::max(least, std::min(kGap, share_of(held.target->footprint, kGapShare))) : least;
}

}  // namespace aerostat::agent
