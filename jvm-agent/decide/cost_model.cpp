#include "jvm-agent/decide/cost_model.h"

#include <algorithm>
#include <cmath>

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr double kMemorySeconds = 30;  ///< rates are averages over about this time
constexpr double kCycleWeight = 0.3;   ///< of the newest cycle in its average
constexpr double kYoungCreep = 1.02;   ///< per collection: lets the least cost rise again when the program changes
constexpr double kIdleK = 1e3;         ///< below this the price at any sensible slack is nil
constexpr double kKChange = 0.20;
constexpr double kSizeChange = 0.02;

bool differs(Bytes a, Bytes b) {
    const Bytes gap = a > b ? saturating_sub(a, b) : saturating_sub(b, a);
    return gap > std::max(16_MiB, share_of(std::max(a, b), kSizeChange));
}

}  // namespace

void CostModel::observe(const CostSight& seen, TimePoint now) {
    if (started_) {
        learn_young(seen);
        learn_cycles(seen);
        learn_rates(seen, to_seconds(now - at_));
    } else {
        cycle_from_ = seen.concurrent_cpu;
    }
    started_ = true;
    at_ = now;
    last_ = seen;
}

void CostModel::learn_young(const CostSight& seen) {
    const std::uint64_t count = seen.heap.young_gcs - last_.heap.young_gcs;
    if (count == 0 || seen.heap.young_gcs < last_.heap.young_gcs) return;
    const double each = to_seconds(seen.pause_cpu - last_.pause_cpu) / static_cast<double>(count);
    young_cpu_ = young_cpu_ == 0 ? each : std::min(young_cpu_ * std::pow(kYoungCreep, static_cast<double>(count)), each);
}

void CostModel::learn_cycles(const CostSight& seen) {
    if (seen.cycles_are_ours || last_.cycles_are_ours) {
        cycle_from_ = seen.concurrent_cpu;
        return;
    }
    // Two pauses a cycle, remark and cleanup; the cost is counted when the second is over.
    const std::uint64_t cycles =
        seen.heap.cycle_pauses / 2 - std::min(last_.heap.cycle_pauses / 2, seen.heap.cycle_pauses / 2);
    if (cycles == 0) return;
    const double each = to_seconds(seen.concurrent_cpu - cycle_from_) / static_cast<double>(cycles);
    cycle_cpu_ = cycle_cpu_ == 0 ? each : cycle_cpu_ + kCycleWeight * (each - cycle_cpu_);
    cycle_from_ = seen.concurrent_cpu;
}

void CostModel::learn_rates(const CostSight& seen, double seconds) {
    if (seconds <= 0) return;
    const double weight = 1 - std::exp(-seconds / kMemorySeconds);
    const double filled = saturating_sub(seen.application, last_.application).as_double() / seconds;
    fill_rate_ += weight * (filled - fill_rate_);
    alloc_rate_ += weight * (seen.alloc_bytes_per_s - alloc_rate_);
}

const CostCurve& CostModel::curve(std::optional<Bytes> live, Bytes floor, Bytes ceiling) {
    const double now = k() < kIdleK ? 0 : k();
    const Bytes bottom = live.value_or(Bytes());
    const bool k_moved = std::abs(now - reported_k_) > kKChange * std::max(now, reported_k_);
    if (reported_k_ >= 0 && !k_moved && !differs(bottom, reported_live_) && !differs(floor, reported_floor_) &&
        ceiling == reported_ceiling_)
        return reported_;
    reported_k_ = now;
    reported_live_ = bottom;
    reported_floor_ = floor;
    reported_ceiling_ = ceiling;
    reported_ = now > 0 ? CostCurve::hyperbola(now, bottom, floor, ceiling) : CostCurve::flat(floor, ceiling);
    return reported_;
}

}  // namespace aerostat::agent
