#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jvm-agent/act/levers.h"
#include "jvm-agent/decide/drive_spacing.h"
#include "jvm-agent/decide/pacing.h"
#include "jvm-agent/decide/shrink_plan.h"

namespace aerostat::agent {

/// Makes a collector work by its levers: one drive after the other, each for as long as its cycles still bring something,
/// with rests for the program in between. Knows how far the present drive has come and what it has cost, not what it is for.
///
/// What the JVM refuses while a drive goes on, or between two, is tried again with the next change; trouble() is told of its
/// beginning only.
/// Thread: agent thread.
class LeverDrive {
public:
    /// `full_gcs`: collections that may be asked for within ten minutes.
    LeverDrive(FlagPort& port, LeverRule rule, int full_gcs) : levers_(port, rule), full_gc_budget_(full_gcs) {}

    [[nodiscard]] const Levers& levers() const { return levers_; }

    /// The settings for what is seen, and the collector works. `marking_cpu`: of concurrent GC threads, ever. `goal`: only
    /// to make the heap as large as that.
    void begin(const LeverSight& seen, Duration marking_cpu, TimePoint now, std::optional<Bytes> goal);
    /// Ends the work; what holds the target stays.
    void end(const LeverSight& seen, TimePoint now);
    /// The last one that was ended by end().
    [[nodiscard]] TimePoint ended_at() const { return ended_at_; }
    /// The heap need not become as large as the goal any more.
    void drop_goal() { run_.goal.reset(); }
    /// An answer without a try is no drive, so the next one keeps its distance to the last.
    void forget();

    [[nodiscard]] LeverPhase phase() const { return run_.phase; }
    [[nodiscard]] bool works() const { return run_.phase == LeverPhase::working; }
    [[nodiscard]] std::optional<Bytes> goal() const { return run_.goal; }
    /// Since the beginning of the last one.
    [[nodiscard]] Duration lasts(TimePoint now) const { return now - run_.began; }
    /// Longer than any drive should.
    [[nodiscard]] bool is_overdue(TimePoint now) const;
    /// So many collections in a row have given next to nothing back that no more is to be had.
    [[nodiscard]] bool is_exhausted() const;
    /// For people: why it has ended, where it is not that nothing more came; else null.
    [[nodiscard]] const char* ended_because() const { return run_.ended_because; }
    /// For people: why the settings could not be changed; else empty.
    [[nodiscard]] const std::string& trouble() const { return run_.trouble; }

    /// A whole concurrent cycle is over since the beginning, or since count_cycle().
    [[nodiscard]] bool has_cycled(const HeapFacts& heap) const { return heap.cycle_pauses >= run_.cycle_pauses + 2; }
    /// Takes stock after a cycle, and goes on. True: it has brought something.
    bool count_cycle(const LeverSight& seen, Duration marking_cpu);
    /// Of concurrent GC threads, for the last cycle counted.
    [[nodiscard]] Duration cost_of_cycle() const { return cycle_cpu_; }
    /// One collection at a time: it begins a marking, or is one of the mixed ones after it. The program, and G1's own
    /// reckoning of how much of the time it collects, get a rest from each.
    void pace(LeverSight seen, bool marking, TimePoint now);

    /// Where the levers collect fully: the program rests from the last collection.
    [[nodiscard]] bool rests_from_collection(TimePoint now) const;
    /// Takes stock before the next one.
    void count_collection(const LeverSight& seen);
    /// One more is allowed. If not, ended_because() says so.
    [[nodiscard]] bool may_collect(TimePoint now);
    void collected(TimePoint began, TimePoint ended);

    /// Between operations: the last drive is long enough ago for another.
    [[nodiscard]] bool has_rested(TimePoint now) const { return lasts(now) >= spacing_.wait(); }
    [[nodiscard]] DriveSpacing& spacing() { return spacing_; }

    /// The settings that go with a target, without making the collector work. The second: after they were given back.
    void hold(LeverSight seen);
    void hold_again(const LeverSight& seen, TimePoint now);
    void follow_hold(const LeverSight& seen) { static_cast<void>(levers_.follow_hold(seen)); }
    void follow_balloon(const LeverSight& seen) { static_cast<void>(levers_.follow_balloon(seen)); }
    /// Everything as it was before; what drives ends.
    void restore(TimePoint now);
    /// Something could not be put back, say because the heap was full just then.
    [[nodiscard]] bool should_restore_again(TimePoint now) const;
    /// The collector's own settings have been in force for a while.
    [[nodiscard]] bool is_wide_open(TimePoint now) const;

private:
    /// The present drive, or the last.
    struct Run {
        LeverPhase phase = LeverPhase::unused;
        TimePoint began{};
        std::optional<Bytes> goal{};
        Bytes level;  ///< of what the levers bring down, at the last stocktaking
        int idle_cycles = 0;
        std::uint64_t cycle_pauses = 0;
        Duration marking_cpu{};
        std::uint64_t young_gcs = 0;
        bool rests = false;  ///< a collection that was asked for has come, and what it began may still run
        TimePoint rested_at{};
        std::optional<TimePoint> last_collection{};  ///< one that was asked for
        const char* ended_because = nullptr;
        std::string trouble{};
    };

    Levers levers_;
    FullGcBudget full_gc_budget_;
    Run run_;
    DriveSpacing spacing_;
    Duration cycle_cpu_{};
    TimePoint restored_at_{}, ended_at_{};
};

}  // namespace aerostat::agent
