#include "jvm-agent/decide/cycle_gain.h"

#include <algorithm>

#include "jvm-agent/decide/lever_plan.h"

namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Bytes kLeast = 16_MiB;
constexpr double kLeastShare = 0.05;
/// A CPU second for so much: at a price of 0.07 CPU seconds a second and GiB that is earned within a minute.
constexpr Bytes kForASecond = 256_MiB;
constexpr double kMostShare = 0.25;

}  // namespace

Bytes left_by_cycles(const HeapFacts& heap, Bytes application, Bytes live) {
    return std::min(application, live + heap.waste);
}

Bytes uncommitted_by_cycles(const HeapFacts& heap, HeapTarget target, Bytes live, Bytes balloon) {
    if (!heap.levers_give) return {};
    const double occupied = 1 - static_cast<double>(max_free_ratio(target, live)) / 100;
    return saturating_sub(heap.committed, std::max(heap.minimum, share_of(live + balloon, 1 / occupied)));
}

Bytes worth_cycles(Bytes footprint, Duration cpu_of_one) {
    const Bytes earned = std::min(share_of(kForASecond, to_seconds(cpu_of_one)), share_of(footprint, kMostShare));
    return std::max({kLeast, share_of(footprint, kLeastShare), earned});
}

}  // namespace aerostat::agent
