#pragma once

#include <functional>
#include <optional>
#include <string>

#include "contract/messages.h"
#include "jvm-agent/act/balloon.h"
#include "jvm-agent/act/chunk_work.h"
#include "jvm-agent/act/heap_view.h"
#include "jvm-agent/act/lever_drive.h"
#include "jvm-agent/act/operation_book.h"
#include "jvm-agent/decide/background_budget.h"
#include "jvm-agent/decide/balloon_gap.h"
#include "jvm-agent/decide/growth_watch.h"
#include "jvm-agent/decide/guard.h"
#include "jvm-agent/decide/operation.h"
#include "jvm-agent/decide/prospects.h"
#include "jvm-agent/decide/size_hold.h"
#include "jvm-agent/decide/soft_overshoot.h"
#include "jvm-agent/decide/tried_floor.h"

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
        return running_.has_value() || balloon_.count() > 0 || (held_.target && size_hold_.applies(heap_.facts()));
    }

    [[nodiscard]] const Balloon& balloon() const { return balloon_; }
    [[nodiscard]] const Levers& levers() const { return drive_.levers(); }
    /// Collections that run now are, or may be, our doing: levers drive them, or chunks were inflated lately.
    [[nodiscard]] bool causes_collections() const;
    [[nodiscard]] const HeapFacts& facts() const { return heap_.facts(); }
    /// Occupied by the program after the last collection.
    [[nodiscard]] Bytes application() const { return heap_.application(); }
    /// By the program in such a time, at the rate of late; only where HeapFacts::collecting is told.
    [[nodiscard]] Bytes allocated_in(Duration time) const { return heap_.allocated_in(time); }
    /// Free and resident: can go now.
    [[nodiscard]] Bytes releasable() const;
    [[nodiscard]] std::optional<Bytes> live() const { return heap_.live(); }
    /// The highest of three: what the program and its collector need; what operations have lately found to be the least that
    /// could be had; and what chunks and cycles can bring it to, the way it is held now.
    [[nodiscard]] Bytes floor() const;
    /// Measured, or between two looks the nearest that can be true.
    [[nodiscard]] HeapFootprint footprint() const { return heap_.footprint(); }
    [[nodiscard]] std::optional<HeapTarget> target() const { return held_.target; }
    [[nodiscard]] std::optional<Millis> target_left() const { return held_.left(ports_.clock.now()); }
    [[nodiscard]] std::string running_op() const { return running_ ? running_->order.op : std::string(); }
    [[nodiscard]] const std::string& distress() const { return distress_; }
    /// For people: how the target is held, and what that waits for. Empty where there is but one way.
    [[nodiscard]] std::string held_how() const;
    [[nodiscard]] std::uint64_t guard_releases() const { return guard_.releases(); }
    [[nodiscard]] Bytes refilled() const { return chunks_.upkeep().refilled(); }
    /// Looks at the page tables if their budget allows it now.
    void look_if_due();

private:
    // Orders and operations (regulator.cpp, regulator_operation.cpp)
    void start(const SetHeapTarget& order);
    void grow(const SetHeapTarget& order, const Operation& running);
    void trim_native_memory();
    Duration step_operation();
    [[nodiscard]] ShrinkSight sight() const;
    void finish(EndReason reason, std::string detail);
    void add_reasons(OperationResult& result, Bytes native) const;
    void remember_floor(const Operation& ended, const OperationResult& result);
    void answer_unsupported(const SetHeapTarget& order);
    void expire_hold();
    bool look();

    // How large the balloon may be (regulator_room.cpp)
    [[nodiscard]] HeapFacts chunks_within() const;
    [[nodiscard]] Bytes room() const;
    [[nodiscard]] Bytes limit() const;
    [[nodiscard]] Bytes largest_balloon(HeapTarget target, Bytes application) const;
    [[nodiscard]] bool needs_no_chunks(HeapTarget target) const;
    [[nodiscard]] Bytes bearable_balloon(HeapTarget target, Bytes application) const;
    [[nodiscard]] Prospects prospects() const;
    void inflate_slice(Bytes wanted, Duration slice);
    void give_back_beyond(HeapTarget target);

    // The collector's levers (regulator_levers.cpp)
    [[nodiscard]] LeverSight lever_sight() const;
    [[nodiscard]] LeverSight lever_sight(std::optional<Bytes> goal) const;
    void pull_levers(std::optional<Bytes> goal = {});
    void follow_levers();
    void follow_balloon(Bytes more);
    void cycle_is_over();
    [[nodiscard]] bool holds_again() const;
    void follow_full_collections();
    [[nodiscard]] bool enough_is_free() const;
    void end_drive();
    void retry_restoring();

    // Between operations (regulator_hold.cpp), and for the program's sake (regulator_guard.cpp)
    Duration hold_target();
    Duration squeeze_again();
    Duration pass_over_chunks();
    [[nodiscard]] BalloonGap balloon_gap() const;
    void charge_own_cycle();
    void protect(const GcLoad& gc);
    void yield_to_growth();
    [[nodiscard]] bool program_has_grown() const;
    [[nodiscard]] bool yields_with_balloon() const;

    // A G1 heap held by its size (regulator_leisure.cpp)
    void tend_leisure();
    [[nodiscard]] LeisureSight leisure_sight() const;
    [[nodiscard]] bool may_be_sized(const LeisureSight& seen) const;
    void resize(const LeisureSight& seen, Bytes goal);
    void follow_step();
    void let_go_down_to(Bytes most);
    void raise_levers();
    [[nodiscard]] Bytes owed() const;
    [[nodiscard]] bool is_held_under_load() const;
    [[nodiscard]] bool is_held_down() const;
    Duration follow_own_cycles();

    RegulatorPorts ports_;
    RegulatorRules rules_;
    Listener listener_;
    Balloon balloon_;
    HeapView heap_;
    ChunkWork chunks_;
    LeverDrive drive_;
    OperationBook book_;
    Guard guard_;
    TriedFloor tried_floor_;
    SizeHold size_hold_;
    SoftOvershoot soft_overshoot_;
    BackgroundBudget budget_;
    HeldTarget held_;
    GrowthWatch growth_;
    std::optional<Operation> running_;
    std::string distress_;
    std::optional<TimePoint> trimmed_at_;
    std::string switched_off_;  ///< why; empty: on
};

}  // namespace aerostat::agent
