#include "guest-balloon/decide/sane_report.h"

#include <algorithm>
#include <cmath>

#include "contract/names.h"

namespace aerostat::guest {
namespace {

using namespace literals;

constexpr Bytes kLargestHeap = 1_GiB * (64ULL * 1024);  // larger than any JVM's; keeps sums far from overflow
constexpr double kMostRate = 1e15;                      // bytes or CPU seconds a second
constexpr Millis kSurest{60'000};                       // JvmReport::curve_seen
constexpr std::size_t kTextBytes = 120;
constexpr std::size_t kWordBytes = 40;
constexpr std::size_t kLeverBytes = 64;

double sane_rate(double claimed) { return std::isfinite(claimed) ? std::clamp(claimed, 0.0, kMostRate) : 0.0; }

}  // namespace

Bytes most_believable(Bytes pss, Duration age) {
    constexpr Bytes kFastestGrowth = 4_GiB;  // a second
    return pss + pss / 4 + 64_MiB + share_of(kFastestGrowth, std::max(0.0, to_seconds(age)));
}

JvmFacts sane_facts(JvmFacts facts) {
    facts.java_version = printable(facts.java_version, kWordBytes);
    facts.collector = printable(facts.collector, kWordBytes);
    facts.why_not = printable(facts.why_not, kTextBytes);
    facts.max_heap = std::min(facts.max_heap, kLargestHeap);
    facts.initial_heap = std::min(facts.initial_heap, facts.max_heap);
    if (!facts.can_balloon && facts.why_not.empty()) facts.why_not = "its agent gave no reason";
    return facts;
}

JvmReport sane_report(JvmReport report, const OutsideView& outside) {
    report.facts = sane_facts(std::move(report.facts));
    const Bytes heap = report.facts.max_heap;
    const Bytes process = outside.pss ? most_believable(*outside.pss, outside.age) : kLargestHeap;
    for (Bytes* amount :
         {&report.ceiling, &report.footprint.resident, &report.committed, &report.used, &report.balloon.granted}) {
        *amount = std::min(*amount, heap);
    }
    report.footprint.resident = std::min(report.footprint.resident, process);
    report.floor = std::min(report.floor, report.ceiling);
    if (report.live) report.live = std::min(*report.live, heap);
    report.non_heap = std::min(report.non_heap, process);
    report.balloon_verified = std::min(report.balloon_verified, report.balloon.granted);
    report.releasable = std::min(report.releasable, report.footprint.resident);
    for (double* rate : {&report.alloc_bytes_per_s, &report.gc_cpu, &report.agent_cpu, &report.refill_bytes_per_s})
        *rate = sane_rate(*rate);
    report.distress = printable(report.distress, kTextBytes);
    report.held = printable(report.held, kTextBytes);
    if (report.levers.size() > WireLimits::kLevers) report.levers.resize(WireLimits::kLevers);
    for (std::string& lever : report.levers) lever = printable(lever, kLeverBytes);
    report.curve = report.curve.capped().clamped(report.floor, report.ceiling);
    if (report.curve_seen) report.curve_seen = std::min(*report.curve_seen, kSurest);
    return report;
}

JvmReport slim_report(JvmReport report, std::size_t most_points) {
    report.levers.clear();
    report.held.clear();
    report.distress = printable(report.distress, kWordBytes);
    report.facts.why_not = printable(report.facts.why_not, kWordBytes);
    const auto all = report.curve.points();
    if (all.size() <= most_points || most_points < 2) return report;
    // Chords between corners of a convex curve lie above it and are convex themselves.
    std::vector<CostPoint> kept;
    for (std::size_t i = 0; i < most_points; ++i) kept.push_back(all[i * (all.size() - 1) / (most_points - 1)]);
    if (auto thinned = CostCurve::make(std::move(kept))) report.curve = *std::move(thinned);
    return report;
}

}  // namespace aerostat::guest
