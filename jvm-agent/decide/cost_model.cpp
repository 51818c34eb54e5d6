#include "jvm-agent/decide/cost_model.h"

#include <algorithm>
#include <cmath>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr double kMemorySeconds = 60;
/// Of the heap: with less room than this the quotient would mean nothing.
constexpr double kLeastRoom = 0.05;
/// Below this the price at any sensible slack is nil.
constexpr double kIdleK = 1e3;
constexpr double kKChange = 0.20;
constexpr double kSizeChange = 0.02;

double grown(std::uint64_t before, std::uint64_t now) { return now > before ? static_cast<double>(now - before) : 0; }

bool differs(Bytes a, Bytes b) {
    const Bytes gap = a > b ? saturating_sub(a, b) : saturating_sub(b, a);
    return gap > std::max(16_MiB, share_of(std::max(a, b), kSizeChange));
}

}  // namespace

void CostModel::observe(const CostSight& seen, TimePoint now) {
    const bool ours = seen.collections_are_ours || last_.collections_are_ours;
    const double seconds = to_seconds(now - at_);
    if (started_ && !ours && seconds > 0) {
        const double keep = std::exp(-seconds / kMemorySeconds);
        const Duration spent = seen.gc_cpu - last_.gc_cpu + seen.stopped - last_.stopped;
        time_ = time_ * keep + seconds;
        spent_ = spent_ * keep + std::max(0.0, to_seconds(spent));
        heap_ = heap_ * keep + seen.heap.as_double() * seconds;
        young_ = young_ * keep + grown(last_.young_time, seen.young_time);
        other_ = other_ * keep + grown(last_.other_time, seen.other_time);
    }
    started_ = true;
    at_ = now;
    last_ = seen;
}

double CostModel::k(std::optional<Bytes> live) const {
    if (time_ <= 0) return 0;
    const double heap = heap_ / time_;
    return cost() * (1 - young_share()) * std::max(heap - live.value_or(Bytes()).as_double(), heap * kLeastRoom);
}

double CostModel::k_of_young() const { return time_ > 0 ? cost() * young_share() * heap_ / time_ : 0; }

const CostCurve& CostModel::curve(std::optional<Bytes> live, Bytes floor, Bytes useful, Bytes ceiling) {
    const double young = k_of_young();
    const double now = k(live) + young < kIdleK ? 0 : k(live) + young;
    const Bytes bottom = live.value_or(Bytes());
    const bool k_moved = std::abs(now - reported_k_) > kKChange * std::max(now, reported_k_);
    if (reported_k_ >= 0 && !k_moved && !differs(bottom, reported_live_) && !differs(floor, reported_floor_) &&
        !differs(useful, reported_useful_) && ceiling == reported_ceiling_)
        return reported_;
    reported_k_ = now;
    reported_live_ = bottom;
    reported_floor_ = floor;
    reported_useful_ = useful;
    reported_ceiling_ = ceiling;
    reported_ = now > 0 ? CostCurve::hyperbolas(now - young, bottom, young, floor, useful, ceiling)
                        : CostCurve::flat(floor, ceiling);
    return reported_;
}

}  // namespace aerostat::agent
