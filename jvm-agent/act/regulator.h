#pragma once

#include <functional>
#include <optional>
#include <string>

#include "contract/messages.h"
#include "jvm-agent/act/balloon.h"
#include "jvm-agent/act/levers.h"
#include "jvm-agent/act/operation_book.h"
#include "jvm-agent/decide/cycle_occupancy.h"
#include "jvm-agent/decide/guard.h"
#include "jvm-agent/decide/leisure_plan.h"
#include "jvm-agent/decide/live_estimate.h"
#include "jvm-agent/decide/old_generation.h"
#include "jvm-agent/decide/overshoot.h"
#include "jvm-agent/decide/pacing.h"
#include "jvm-agent/decide/reached_floor.h"
#include "jvm-agent/decide/shrink_plan.h"

namespace aerostat::agent {

/// What the regulator needs of the world.
struct RegulatorPorts {
    HeapPort& heap;
    ChunkPort& chunks;
    FlagPort& flags;
    LeverRule lever_rule;
    const Clock& clock;
    std::function<Duration()> own_cpu;      ///< CPU time of the agent thread
    std::function<bool()> marking;          ///< a concurrent cycle may be running: no strong handle on a chunk now
    std::function<Duration()> marking_cpu;  ///< CPU time of concurrent GC threads
    std::function<Bytes()> trim_native;     ///< gives free native memory back; returns what went
    std::function<Bytes()> alarm{};         ///< HeapFacts::alarm; asked often
};

struct RegulatorRules {
    double cpu_budget = 0.05;    ///< share of one core for work that nobody waits for
    Cap firmest = Cap::hard;     ///< orders may not be firmer than this
    bool stress_passes = false;  ///< release all chunks again all the time (for tests of that path)
    Status can_balloon;          ///< why this heap must be left alone
    Status can_hold_chunks;      ///< why there are only the collector's levers
    int full_gcs = 0;            ///< collections that may be asked for within ten minutes
    std::string would_help{};    ///< Collector::would_help()
    G1Hold g1_hold = G1Hold::calm;
};

/// Carries out orders for a heap's footprint, keeps the target in force, and lets go when the program needs the memory.
///
/// Work is done in slices: advance() returns within some tens of milliseconds and says when it wants to be called again.
/// Thread: agent thread; results and pressure are told from inside accept(), cancel() and advance().
class Regulator {
public:
    struct Listener {
        std::function<void(OperationResult)> on_result;  ///< `session` is left to the receiver
        std::function<void(Pressure)> on_pressure;
    };

    Regulator(RegulatorPorts ports, RegulatorRules rules, Listener listener);

    void accept(const SetHeapTarget& order);
    void cancel(const Cancel& order);
    /// One slice of what is to be done. Returns how long it can wait; a finished collection should come earlier.
    [[nodiscard]] Duration advance(const GcLoad& gc);
    /// Lifts all restraint: chunks and settings go back. Chunks that a full collection has brought back follow in the next
    /// calls of advance(), their pages first; `at_once`: there will be none.
    void lift(bool at_once = false);
    /// The program's switch. Off: everything goes back, and orders are answered `unsupported` with `why` until it is on
    /// again.
    void switch_off(const std::string& why);
    void switch_on() { switched_off_.clear(); }

    /// A collection's end should wake the caller: a balloon is held or an operation runs.
    [[nodiscard]] bool wants_gc_events() const {
        return running_.has_value() || balloon_.count() > 0 || leisure_.holds_by_size();
    }

    [[nodiscard]] const Balloon& balloon() const { return balloon_; }
    [[nodiscard]] const Levers& levers() const { return levers_; }
    /// Collections that run now are, or may be, our doing: levers drive them, or chunks were inflated lately.
    [[nodiscard]] bool causes_collections() const;
    [[nodiscard]] const HeapFacts& facts() const { return facts_; }
    /// Occupied by the program after the last collection.
    [[nodiscard]] Bytes application() const { return application_; }
    /// By the program in such a time, at the rate of late; only where HeapFacts::collecting is told.
    [[nodiscard]] Bytes allocated_in(Duration time) const { return occupancy_.allocated_in(time); }
    /// Free and resident: can go now.
    [[nodiscard]] Bytes releasable() const;
    [[nodiscard]] std::optional<Bytes> live() const { return live_.value(ports_.clock.now()); }
    [[nodiscard]] Bytes floor() const;
    /// Measured, or between two looks the nearest that can be true.
    [[nodiscard]] HeapFootprint footprint() const;
    [[nodiscard]] std::optional<HeapTarget> target() const { return target_; }
    [[nodiscard]] std::optional<Millis> target_left() const;
    [[nodiscard]] std::string running_op() const { return running_ ? running_->order.op : std::string(); }
    [[nodiscard]] const std::string& distress() const { return distress_; }
    /// For people: how the target is held, and what that waits for. Empty where there is but one way.
    [[nodiscard]] std::string held_how() const;
    [[nodiscard]] std::uint64_t guard_releases() const { return guard_.releases(); }
    [[nodiscard]] Bytes refilled() const { return refilled_; }
    /// Looks at the page tables if their budget allows it now.
    void look_if_due();

private:
    struct Running {
        SetHeapTarget order;
        TimePoint started{};
        Bytes before;
        Bytes balloon_before;
        std::optional<HeapTarget> target_before;
        std::optional<TimePoint> hold_before;
        Cap cap_before = Cap::firm;
        std::uint64_t releases_before = 0;  ///< Guard::releases()
        bool slight = false;                ///< (more) collections would not bring enough: only what is free is taken
        bool same_try = false;              ///< answered from memory: nothing is tried, and nothing learned
        Bytes native{};                     ///< memory beside the heap that went, too
    };
    /// One drive of the collector's levers, for an operation or to hold a target.
    struct Drive {
        LeverPhase phase = LeverPhase::unused;
        Bytes level_at_cycle;  ///< what the levers bring down
        std::uint64_t cycle_pauses = 0;
        Duration cpu_at_cycle{};  ///< of concurrent GC threads
        int idle_cycles = 0;
        std::uint64_t young_gcs = 0;
        bool rests = false;  ///< a collection that was asked for has come, and what it began may still run
        TimePoint rested_at{};
        TimePoint began{};
        const char* ended_because = nullptr;         ///< for people, where it is not that nothing more came
        std::optional<TimePoint> last_collection{};  ///< one that this drive asked for
        std::string trouble{};                       ///< for people: why the settings could not be changed
        std::optional<Bytes> goal{};                 ///< for a step of leisure_: as large as that the heap is to be
    };

    void observe();
    void take_census();
    void retry_restoring();
    void learn_from_pauses();
    void learn_from_cycles();
    bool look();
    void distrust_look();
    void start(const SetHeapTarget& order);
    void grow(const SetHeapTarget& order, const Running& running);
    Duration step_operation();
    [[nodiscard]] ShrinkSight sight() const;
    void remember_floor(const Running& ended, const OperationResult& result);
    [[nodiscard]] Bytes alive() const;
    [[nodiscard]] Bytes needed() const;
    void pull_levers();
    void follow_levers();
    void cycle_is_over();
    void pace_drive();
    [[nodiscard]] bool holds_again() const;
    void hold_by_levers();
    void follow_full_collections();
    [[nodiscard]] bool enough_is_free() const;
    void end_drive(LeverPhase phase);
    void add_reasons(OperationResult& result, Bytes native) const;
    [[nodiscard]] Bytes held_by_program() const;
    [[nodiscard]] std::uint64_t collections_that_free_chunks() const;
    [[nodiscard]] std::uint64_t collections_since_given() const;
    [[nodiscard]] Bytes lever_level() const;
    [[nodiscard]] LeverSight lever_sight() const;
    void deflate(Bytes amount);
    void let_go(Bytes amount);
    void follow_balloon(Bytes more);
    void inflate_slice(Bytes wanted, Duration slice);
    void stop_ballooning(const Error& why);
    void count_released(const Result<Bytes>& released);
    void finish(EndReason reason, std::string detail);
    void trim_native_memory();
    void answer_unsupported(const SetHeapTarget& order);
    void protect(const GcLoad& gc);
    void yield_to_growth();
    [[nodiscard]] bool program_has_grown() const;
    void expire_hold();
    Duration hold_target();
    Duration squeeze_again();
    [[nodiscard]] Bytes missing_balloon() const;
    [[nodiscard]] Bytes least_burst() const;
    void charge_cycle_of_last_burst();
    [[nodiscard]] LeisureSight leisure_sight() const;
    [[nodiscard]] bool may_be_sized(const LeisureSight& seen) const;
    [[nodiscard]] HeapFacts chunks_within() const;
    void tend_leisure();
    void make_smaller(const LeisureSight& seen, Bytes step);
    void let_go_down_to(Bytes most);
    [[nodiscard]] bool is_raised_slightly(HeapTarget before) const;
    void raise_levers(std::optional<HeapTarget> before);
    void follow_step();
    [[nodiscard]] Bytes owed() const;
    [[nodiscard]] bool is_held_under_load() const;
    [[nodiscard]] bool is_held_down() const;
    [[nodiscard]] Bytes goal_under_load() const;
    Duration follow_own_cycles();
    Duration pass_over_chunks();
    Duration tend_moved_chunks();
    void take_pages_again();
    [[nodiscard]] Bytes room() const;
    void restore_levers();
    void give_back_beyond(HeapTarget target);
    [[nodiscard]] Bytes limit() const;
    [[nodiscard]] Bytes balloon_within(const HeapFacts& heap) const;
    [[nodiscard]] Bytes balloon_for(HeapTarget target, Bytes application) const;
    [[nodiscard]] Bytes at_once(HeapTarget target) const;
    [[nodiscard]] Bytes with_cycles(HeapTarget target, Bytes live) const;
    [[nodiscard]] bool pays(HeapTarget target, Bytes live) const;
    [[nodiscard]] bool is_worth_cycles(HeapTarget target) const;
    [[nodiscard]] Bytes reachable() const;

    RegulatorPorts ports_;
    RegulatorRules rules_;
    Listener listener_;
    Balloon balloon_;
    Levers levers_;
    OperationBook book_;
    Guard guard_;
    LiveEstimate live_;
    ReachedFloor reached_;
    std::optional<Bytes> step_to_;  ///< while the settings for a step are made
    LeisurePlan leisure_;
    Overshoot overshoot_;
    CycleOccupancy occupancy_;
    ChunkPace pace_;                   ///< where chunks lie in an old generation
    std::size_t returned_ = 0;         ///< chunks that a full collection brought back, to be released before they are let go
    std::uint64_t settled_at_gc_ = 0;  ///< young collections when a chunk that one had moved was released last
    WorkBudget budget_;
    FullGcBudget full_gc_budget_;
    Duration charged_cpu_{};  ///< own CPU time that the budget has been told of
    LookSchedule looks_;

    HeapFacts facts_;
    Bytes vacant_;                    ///< chunks given back that no collection has found free yet: used heap without pages
    std::uint64_t vacant_until_ = 0;  ///< collections that had to be over when they were given back
    Bytes application_;               ///< occupied after the last pause, without the balloon
    std::uint64_t pauses_ = 0;
    std::uint64_t cycle_pauses_ = 0, full_gcs_ = 0;
    TimePoint cycle_seen_at_{};
    Duration cycle_cpu_{};  ///< of concurrent GC threads, for the last cycle that was driven
    std::uint64_t learned_young_gcs_ = 0, learned_full_gcs_ = 0;  ///< when application_ was learned
    Bytes footprint_;                                             ///< at the last look, less what was inflated since
    TimePoint looked_at_{};
    bool looked_ = false;
    bool fresh_ = false, guess_ = false;
    bool raised_ = false;  ///< footprint_ has followed what was occupied since the last look
    std::optional<HeapTarget> target_;
    Cap cap_ = Cap::firm;
    std::optional<TimePoint> hold_until_;
    std::optional<Running> running_;
    Drive drive_;
    Duration between_drives_{};                  ///< doubles while driving the levers does not bring the target back
    bool drove_in_vain_ = false;                 ///< the last drive has ended because nothing more came
    Bytes held_least_;                           ///< the least the program has occupied under the target in force
    bool yielded_ = false;                       ///< the program has outgrown its target: nothing holds it back
    std::optional<Duration> burst_marking_cpu_;  ///< concurrent GC CPU when the last burst of chunks began
    std::optional<TimePoint> inflated_at_;
    std::string distress_;
    /// The JVM refused a chunk although there was room, or the kernel keeps pages: no balloon any more.
    std::optional<Error> broken_;
    TimePoint kept_alive_at_{}, passed_at_{};
    Bytes refilled_;
    std::string last_trouble_;
    TimePoint restored_at_{};
    std::optional<TimePoint> trimmed_at_;
    std::string switched_off_;  ///< why; empty: on
};

}  // namespace aerostat::agent
