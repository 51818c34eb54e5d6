#include "jvm-agent/decide/guard.h"

#include <algorithm>

#include "jvm-agent/decide/old_generation.h"

namespace aerostat::agent {
namespace {

/// Of what the balloon leaves, the program may occupy this much after a collection; then room is given until it occupies
/// kRelaxed again.
constexpr double kTight = 0.85;
constexpr double kRelaxed = 0.60;
/// What we take ourselves stays this far away from it: a collection's worth of survivors must not make it tight.
constexpr double kBearable = 0.75;
/// A growing program must find room for this many collections more of the same growth: chunks that are let go return
/// only at the next young collection.
constexpr std::uint64_t kGrowthAhead = 4;
constexpr std::uint64_t kCyclesTogether = 4;
/// A balloon of no more than this share of the heap is not what makes it tight or the collector work.
constexpr double kSlight = 0.01;
/// A heap that is held by its size needs so much more of it, at least.
constexpr double kRoomToGrow = 0.25;
/// GC threads' CPU beyond this (cores) and this multiple of what was usual is the balloon's fault.
constexpr double kGcCpuAlways = 0.25;
constexpr double kGcCpuTimes = 3.0;
/// Remark and cleanup pauses in one window: four whole cycles a second, none of them asked for by us.
constexpr std::uint64_t kStormPauses = 16;
constexpr Duration kStormWindow = std::chrono::seconds(2);

constexpr Duration kQuietFirst = std::chrono::seconds(10);
constexpr Duration kQuietLongest = std::chrono::minutes(5);
/// Distress again within this time of the last one is the same trouble: give twice as much.
constexpr Duration kRepeat = std::chrono::seconds(20);

}  // namespace

GuardVerdict Guard::judge(const GuardSight& seen, TimePoint now) {
    const std::uint64_t full_gcs = seen.heap.full_gcs.value_or(0);
    const bool cleared = started_ && seen.cleared_chunks > cleared_;
    const bool held = !seen.held_at.is_zero();
    if (!started_ || (seen.balloon.is_zero() && !held && !cleared)) {
        forget(seen);
        return {};
    }
    const bool full = full_gcs > full_gcs_;
    const bool stalled = seen.heap.stalls > stalls_;
    full_gcs_ = full_gcs;
    stalls_ = seen.heap.stalls;
    cleared_ = seen.cleared_chunks;
    if (seen.heap.young_gcs != gcs_) {
        gcs_ = seen.heap.young_gcs;
        if (seen.heap.collecting)
            learn_growth_of_cycles(seen);
        else if (!seen.cycles_are_ours || !seen.heap.was_periodic)  // those that we ask for come early: less has died
            learn_growth(saturating_sub(seen.application, application_));
        if (!seen.heap.collecting) application_ = seen.application;
    }
    if (full && (held || !seen.balloon.is_zero())) return distressed(seen, seen.balloon, "full-gc", now);
    if (cleared) return distressed(seen, seen.balloon, "cleared-chunks", now);
    if (stalled) return distressed(seen, seen.balloon, "allocation-stall", now);
    if (seen.heap.old && full_gc_is_near(*seen.heap.old)) return distressed(seen, seen.balloon, "full-gc-near", now);
    if (seen.is_leaving) return {};  // sooner would be with its pages, which nothing could release any more
    if (seen.heap.old && seen.balloon > seen.heap.old->reserve)
        return distressed(seen, saturating_sub(seen.balloon, seen.heap.old->reserve), "refill-reserve", now);
    const bool slight = seen.heap.alarm.is_zero() && seen.balloon <= share_of(seen.heap.max, kSlight);
    if (slight && !held) return {};
    const Bytes wanted = slight ? Bytes() : wanted_by_occupancy(seen);
    const Bytes of_its_size = held ? wanted_by_size(seen) : Bytes();
    if (!wanted.is_zero() || !of_its_size.is_zero())
        return distressed(seen, std::max(wanted, of_its_size), "occupancy", now);
    if (!held && gc_is_busier(seen)) return distressed(seen, seen.balloon / 2, "gc-cpu", now);
    if (cycles_storm(seen, now)) return distressed(seen, seen.balloon / 2, "back-to-back-cycles", now);
    return {};
}

void Guard::learn_growth(Bytes grown) { growth_ = std::max(grown, growth_ / 2); }

/// What is occupied after a concurrent cycle holds what was allocated while it ran, which is now more, now less: only the
/// least of several cycles shows growth.
void Guard::learn_growth_of_cycles(const GuardSight& seen) {
    least_ = cycles_ == 0 ? seen.application : std::min(least_, seen.application);
    if (++cycles_ < kCyclesTogether) return;
    cycles_ = 0;
    learn_growth(saturating_sub(least_, application_) / kCyclesTogether);
    application_ = least_;
}

Bytes Guard::wanted_by_occupancy(const GuardSight& seen) const {
    const Bytes left = saturating_sub(usable(seen.heap), seen.balloon);
    const bool tight = seen.application > share_of(left, kTight);
    const bool soon = !growth_.is_zero() && seen.application + growth_ * kGrowthAhead > share_of(left, kTight);
    if (!tight && !soon) return Bytes();
    const Bytes enough = share_of(seen.application + growth_ * kGrowthAhead, 1.0 / kRelaxed);
    return std::max(saturating_sub(enough, left), seen.heap.region * 2);
}

/// Such a heap is full before each collection, as any of its size is, and what is dead in it the collector finds in time;
/// where it does not, it makes the heap larger before anything else. So only what is alive can be too much for it.
Bytes Guard::wanted_by_size(const GuardSight& seen) {
    const Bytes left = saturating_sub(seen.held_at, seen.balloon);
    if (seen.alive <= share_of(left, kTight)) return Bytes();
    return std::max(saturating_sub(share_of(seen.alive, 1.0 / kRelaxed), left), seen.heap.region * 2);
}

Bytes Guard::bearable(const HeapFacts& heap, Bytes application) const {
    const Bytes expected = application + growth_ * kGrowthAhead;
    return round_down(saturating_sub(usable(heap), share_of(expected, 1.0 / kBearable)), heap.region);
}

/// The load when the balloon began is no fault of the balloon; it fades from the comparison as it fades from the average.
bool Guard::gc_is_busier(const GuardSight& seen) {
    gc_before_ = seen.cycles_are_ours ? std::max(gc_before_, seen.gc.now)
                                      : std::max(seen.gc.usual, std::min(gc_before_, seen.gc.now * 2));
    return !seen.cycles_are_ours && seen.gc.now > kGcCpuAlways && seen.gc.now > gc_before_ * kGcCpuTimes + kGcCpuAlways;
}

bool Guard::cycles_storm(const GuardSight& seen, TimePoint now) {
    if (seen.cycles_are_ours || now - storm_since_ > kStormWindow) {
        storm_since_ = now;
        storm_cycles_ = seen.heap.cycle_pauses;
        return false;
    }
    return seen.heap.cycle_pauses - storm_cycles_ >= kStormPauses;
}

GuardVerdict Guard::distressed(const GuardSight& seen, Bytes release, std::string why, TimePoint now) {
    const bool again = releases_ > 0 && now - last_distress_ < kRepeat;
    if (again) release = std::max(release, last_release_ * 2);
    quiet_ = now - last_distress_ < kQuietLongest && releases_ > 0 ? std::min(quiet_ * 2, kQuietLongest) : kQuietFirst;
    quiet_until_ = now + quiet_;
    last_distress_ = now;
    last_release_ =
        seen.held_at.is_zero() ? std::min(release, seen.balloon) : std::max(release, share_of(seen.held_at, kRoomToGrow));
    ++releases_;
    return {last_release_, std::move(why)};
}

void Guard::forget(const GuardSight& seen) {
    started_ = true;
    full_gcs_ = seen.heap.full_gcs.value_or(0);
    stalls_ = seen.heap.stalls;
    cleared_ = seen.cleared_chunks;
    gcs_ = seen.heap.young_gcs;
    application_ = seen.application;
    growth_ = Bytes();
    cycles_ = 0;
    gc_before_ = std::max(seen.gc.usual, seen.gc.now);
}

}  // namespace aerostat::agent
