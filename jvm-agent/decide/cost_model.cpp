#include "jvm-agent/decide/cost_model.h"

#include <algorithm>
#include <cmath>

namespace aerostat::agent {
namespace {

using namespace literals;

/// Until so much has been seen, the rest of it counts as if it had cost kPrior: collectors size heaps so that they take 1 to
/// 8 % of the time (GCTimeRatio of Parallel and G1), and most programs need less.
constexpr double kFirstSeconds = 10;
constexpr double kPrior = 0.02;
/// A program that has come to occupy so much more within kLoadingStep of occupying hardly more than before, by so much of
/// what it has allocated since, is loading data, and for kLoading longer.
constexpr double kLoadingGrowth = 0.25;
constexpr Bytes kLoadingAtLeast = 16_MiB;
constexpr double kLoadingStays = 0.4;
constexpr double kSteady = 0.02;
constexpr Duration kLoadingStep = std::chrono::seconds(5);
constexpr Duration kLoading = std::chrono::seconds(5);
/// Until something better is seen, it has to do.
constexpr double kWeightOfLoading = 0.1;
/// So many cycles tell how much is allocated between two.
constexpr double kTellingCycles = 2;
constexpr double kWeightOfCycle = 0.4;
/// Of the heap, kept free when a cycle begins; and how much more than needed shows that cycles come early.
constexpr double kMostKept = 0.6;
constexpr double kEarly = 1.25;
/// Of the way from the live set to the floor: no curve falls off before.
constexpr double kSteepest = 0.75;
/// Below this the price at any sensible slack is nil.
constexpr double kIdleK = 1e3;
constexpr double kKChange = 0.20;
/// What came in a time that nobody looked at is not known by the second, nor in which heap.
constexpr Duration kUnseen = std::chrono::seconds(6);
constexpr double kSizeChange = 0.02;

double grown(std::uint64_t before, std::uint64_t now) { return now > before ? static_cast<double>(now - before) : 0; }

bool differs(Bytes a, Bytes b) {
    const Bytes gap = a > b ? saturating_sub(a, b) : saturating_sub(b, a);
    return gap > std::max(16_MiB, share_of(std::max(a, b), kSizeChange));
}

}  // namespace

void CostModel::observe(const CostSight& seen, TimePoint now) {
    if (now - at_ > kUnseen) started_ = false;
    const double seconds = to_seconds(now - at_);
    const bool loading = is_loading(seen, now);
    if (started_ && !seen.collections_are_ours && seconds > 0) {
        const double weight = loading ? kWeightOfLoading : 1;
        const double spent = std::max(0.0, to_seconds(seen.gc_cpu - last_.gc_cpu + seen.stopped - last_.stopped)) * weight;
        const double young = grown(last_.young_time, seen.young_time), other = grown(last_.other_time, seen.other_time);
        const double whole = young > 0 ? spent * young / (young + other) : 0;
        history_.add({seconds * weight, seen.heap.as_double() * seconds * weight, whole, spent - whole,
                      grown(last_.cycles, seen.cycles) * weight,
                      saturating_sub(seen.between_cycles, last_.between_cycles).as_double() * weight});
    }
    if (started_ && !seen.collections_are_ours) follow_cycles(seen);
    started_ = true;
    at_ = now;
    last_ = seen;
}

/// Collectors that are still learning collect more often than they will: the latest cycles count.
void CostModel::follow_cycles(const CostSight& seen) {
    const double cycles = grown(last_.cycles, seen.cycles);
    if (cycles <= 0) return;
    const double between = saturating_sub(seen.between_cycles, last_.between_cycles).as_double() / cycles;
    const double weight = between_lately_ > 0 ? 1 - std::pow(1 - kWeightOfCycle, cycles) : 1;
    between_lately_ += weight * (between - between_lately_);
}

/// What is occupied grows by what is loaded. Slowly, or by a small part of what is allocated, it is old garbage or a leak:
/// that goes on.
bool CostModel::is_loading(const CostSight& seen, TimePoint now) {
    const bool fresh = !started_ || seen.collections != last_.collections;
    const Bytes growth = saturating_sub(seen.occupied, usual_);
    const bool grown = growth > std::max(share_of(usual_, kLoadingGrowth), kLoadingAtLeast);
    if (fresh && started_ && grown) {
        const Bytes allocated = saturating_sub(seen.allocated, usual_allocated_);
        if (now - usual_at_ <= kLoadingStep && growth >= share_of(allocated, kLoadingStays)) grown_at_ = now;
    }
    if (fresh && (!started_ || grown)) usual_ = seen.occupied;
    if (fresh && (!started_ || grown || growth <= share_of(usual_, kSteady))) {
        usual_allocated_ = seen.allocated;
        usual_at_ = now;
    }
    return grown_at_ && now - *grown_at_ < kLoading;
}

double CostModel::unseen() const { return std::max(0.0, kFirstSeconds - history_.seconds()); }

double CostModel::cost() const {
    return (history_.cost() + kPrior * unseen()) / std::max(kFirstSeconds, history_.seconds());
}

Duration CostModel::observed() const {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(history_.seconds()));
}

bool CostModel::counts_cycles() const {
    return history_.cycles() >= kTellingCycles && history_.allocated_per_cycle() > 1 && between_lately_ > 1;
}

double CostModel::k(std::optional<Bytes> live) const {
    const Bytes bottom = live.value_or(Bytes());
    if (counts_cycles()) return cost() * std::min(history_.allocated_per_cycle(), room_above(history_.mean_heap(), bottom));
    const double assumed = unseen() / room_above(last_.heap.as_double(), bottom);
    const double exposure = history_.exposure_above(bottom) + assumed;
    return exposure > 0 ? (history_.above() + kPrior * unseen()) / exposure : 0;
}

double CostModel::k_of_young() const {
    const double exposure = history_.exposure() + unseen() / std::max(1.0, last_.heap.as_double());
    return history_.whole() / exposure;
}

CostModel::Shape CostModel::shape(Bytes live, Bytes floor, Bytes useful) const {
    const Bytes steepest = live + share_of(saturating_sub(floor, live), kSteepest);
    if (!counts_cycles()) {
        const Bytes bottom = std::min(share_of(live, 1 / std::clamp(last_.filled, 1 - kMostKept, 1.0)), steepest);
        return {k(bottom), bottom, useful};
    }
    const double heap = std::max(1.0, last_.heap.as_double());
    const double room = std::min(between_lately_, room_above(heap, live));
    const double kept = std::max(0.0, heap - live.as_double() - room);
    const double needed = std::min({kept, last_.kept_free.as_double(), heap * kMostKept});
    const double filled = 1 - needed / heap;  // the share that is not kept free, in a heap of any size
    const bool early = !last_.held && kept > needed * kEarly;
    const Bytes enough = share_of(live + Bytes(static_cast<std::uint64_t>(room)), 1 / filled);
    return {k(live) / filled, std::min(share_of(live, 1 / filled), steepest), early ? std::min(useful, enough) : useful};
}

const CostCurve& CostModel::curve(std::optional<Bytes> live, Bytes floor, Bytes useful, Bytes ceiling) {
    const Shape shape = this->shape(live.value_or(Bytes()), floor, useful);
    const Bytes bottom = shape.bottom;
    useful = std::max(shape.useful, floor);
    const double young = k_of_young();
    const double now = shape.k + young < kIdleK ? 0 : shape.k + young;
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
