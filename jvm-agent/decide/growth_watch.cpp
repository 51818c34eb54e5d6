#include "jvm-agent/decide/growth_watch.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Of its target: a program that occupies more after a collection has outgrown it; below kFitsAgain it is held again.
constexpr double kOutgrown = 0.85;
constexpr double kFitsAgain = 0.60;
constexpr double kGrown = 1.10;  ///< of the least it has occupied under this target

}  // namespace

bool GrowthWatch::has_grown(Bytes application, Bytes region) const {
    return application > share_of(std::min(least_, application), kGrown) + region * 4;
}

bool GrowthWatch::observe(const GrowthSight& seen) {
    least_ = std::min(least_, seen.application);
    const bool beyond = seen.occupied > share_of(seen.target, kOutgrown);
    const bool grown = has_grown(seen.application, seen.region);
    const bool was = outgrown_;
    if (!outgrown_)
        outgrown_ = beyond && grown;
    else if (seen.application < share_of(seen.target, kFitsAgain) || !grown)
        outgrown_ = false;
    return outgrown_ && !was;
}

Bytes GrowthWatch::wanted(Bytes application, Bytes target) {
    return saturating_sub(share_of(application, 1.0 / kFitsAgain), target);
}

}  // namespace aerostat::agent
