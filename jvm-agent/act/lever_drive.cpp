#include "jvm-agent/act/lever_drive.h"

#include <algorithm>
#include <utility>

namespace aerostat::agent {
namespace {

/// Collections in a row that gave next to nothing back: the levers are spent.
constexpr int kIdleCycles = 3;
constexpr double kProgress = 0.02;
/// Deliberate full collections leave the program as much time between them as it takes to answer what has waited.
constexpr Duration kBetweenFullGcs = std::chrono::milliseconds(100);
constexpr Duration kLongestDrive = std::chrono::seconds(30);
constexpr Duration kRest = std::chrono::milliseconds(120);
constexpr Duration kBetweenRestores = std::chrono::seconds(2);
/// After an order to grow the collector's own settings are in force for so long.
constexpr Duration kWideOpen = std::chrono::seconds(10);

/// What the levers bring down.
Bytes level_of(const LeverSight& seen) { return seen.heap.levers_give ? seen.heap.committed : seen.application; }

}  // namespace

void LeverDrive::begin(const LeverSight& seen, Duration marking_cpu, TimePoint now, std::optional<Bytes> goal) {
    const auto pulled = levers_.pull(seen);
    run_ = Run{};
    run_.phase = LeverPhase::unavailable;
    run_.began = now;
    run_.level = level_of(seen);
    run_.cycle_pauses = seen.heap.cycle_pauses;
    run_.marking_cpu = marking_cpu;
    run_.young_gcs = seen.heap.young_gcs;
    if (!pulled) run_.trouble = pulled.error().message;
    if (!pulled || !*pulled) return;
    run_.phase = levers_.drives_cycles() ? LeverPhase::working : LeverPhase::spent;
    if (works()) run_.goal = goal;
}

void LeverDrive::end(const LeverSight& seen, TimePoint now) {
    ended_at_ = now;
    run_.phase = LeverPhase::spent;
    static_cast<void>(levers_.stop_cycles(seen));
}

void LeverDrive::forget() {
    const TimePoint began = run_.began;
    run_ = Run{};
    run_.began = began;
}

bool LeverDrive::is_overdue(TimePoint now) const { return lasts(now) > kLongestDrive; }

bool LeverDrive::is_exhausted() const { return run_.idle_cycles >= kIdleCycles; }

bool LeverDrive::count_cycle(const LeverSight& seen, Duration marking_cpu) {
    static_cast<void>(levers_.renew(seen));
    const Bytes least = std::max(seen.heap.region, share_of(run_.level, kProgress));
    const bool progress = level_of(seen) + least < run_.level;
    run_.idle_cycles = progress ? 0 : run_.idle_cycles + 1;
    run_.level = level_of(seen);
    run_.cycle_pauses = seen.heap.cycle_pauses;
    cycle_cpu_ = marking_cpu - std::exchange(run_.marking_cpu, marking_cpu);
    return progress;
}

void LeverDrive::pace(LeverSight seen, bool marking, TimePoint now) {
    if (seen.heap.kind != CollectionKind::young_and_marking) return;
    const bool came = seen.heap.young_gcs != run_.young_gcs && seen.heap.was_periodic;
    run_.young_gcs = seen.heap.young_gcs;
    const bool busy = came || marking;
    if (busy) run_.rested_at = now;
    const bool rests = busy || (run_.rests && now - run_.rested_at < kRest);
    if (rests == run_.rests) return;
    run_.rests = rests;
    seen.rest = rests;
    static_cast<void>(levers_.pace_cycles(seen));
}

bool LeverDrive::rests_from_collection(TimePoint now) const {
    return run_.last_collection && now - *run_.last_collection < kBetweenFullGcs;
}

void LeverDrive::count_collection(const LeverSight& seen) {
    const bool progress = level_of(seen) + seen.heap.region < run_.level;
    run_.idle_cycles = progress ? 0 : run_.idle_cycles + (run_.last_collection ? 1 : 0);
    run_.level = level_of(seen);
}

bool LeverDrive::may_collect(TimePoint now) {
    const bool may = full_gc_budget_.may_collect(now);
    if (!may) run_.ended_because = "no more collections may be asked for within ten minutes (full-gcs)";
    return may;
}

void LeverDrive::collected(TimePoint began, TimePoint ended) {
    full_gc_budget_.collected(began);
    run_.last_collection = ended;
}

void LeverDrive::hold(LeverSight seen) {
    seen.drive = false;
    static_cast<void>(levers_.pull(seen));
}

void LeverDrive::hold_again(const LeverSight& seen, TimePoint now) {
    restored_at_ = now;  // if they are refused, not again at once
    hold(seen);
}

void LeverDrive::restore(TimePoint now) {
    run_ = Run{};
    restored_at_ = now;
    static_cast<void>(levers_.restore());
}

bool LeverDrive::should_restore_again(TimePoint now) const {
    return !levers_.in_use().empty() && now - restored_at_ >= kBetweenRestores;
}

bool LeverDrive::is_wide_open(TimePoint now) const { return levers_.in_use().empty() && now - restored_at_ >= kWideOpen; }

}  // namespace aerostat::agent
