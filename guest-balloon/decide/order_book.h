#pragma once

#include <deque>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "guest-balloon/decide/effects.h"
#include "guest-balloon/decide/operation.h"

namespace aerostat::guest {

/// All operations: those on their way and the last 64 of operators and of the host.
///
/// An operation ends when every JVM has answered and been measured, or soon after its deadline; nothing makes it last
/// longer. At most one running part a JVM: a newer order supersedes. Thread: owner's.
class OrderBook {
public:
    static constexpr std::size_t kKept = 64;  ///< ended ones, for operators (with us) and for the host each
    static constexpr Duration kMeasureBefore =
        std::chrono::milliseconds(500);  ///< at most; never over a quarter of the deadline
    static constexpr Duration kMeasureAfter = std::chrono::milliseconds(500);
    static constexpr Duration kCancelWithin = std::chrono::seconds(1);
    static constexpr Duration kAskWithin = std::chrono::seconds(1);  ///< at most; never over a third of what is left

    OrderBook(JvmBook& jvms, Millis agent_lease) : jvms_(jvms), agent_lease_(agent_lease) {}
    void set_agent_lease(Millis lease) { agent_lease_ = lease; }

    void begin(Order order, TimePoint now, Effects& effects);
    void measured(const std::string& op, const std::string& jvm, Moment moment, std::optional<Bytes> pss, TimePoint now,
                  Effects& effects);
    void applications_gave(const std::string& op, TimePoint now, Effects& effects);
    void os_moved(const std::string& op, const OsOutcome& outcome, TimePoint now, Effects& effects);
    void answered(Jvm& jvm, const OperationResult& answer, TimePoint now, Effects& effects);
    void agent_away(const std::string& jvm, TimePoint now, Effects& effects);
    void agent_back(Jvm& jvm, TimePoint now, Effects& effects);
    /// The process has ended: nothing is left to wait for.
    void process_ended(const std::string& jvm, TimePoint now, Effects& effects);
    /// Fails: `not_found`, `refused` (it has ended).
    [[nodiscard]] Status cancel(const std::string& op, OnShortfall rest, TimePoint now, Effects& effects);
    void tick(TimePoint now, Effects& effects);

    /// When tick() has something to do, absent if nothing runs.
    [[nodiscard]] std::optional<TimePoint> next_due() const;
    [[nodiscard]] const Operation* find(const std::string& op) const;
    [[nodiscard]] bool is_running_for(const std::string& jvm) const;
    [[nodiscard]] std::size_t running_count() const { return running_.size(); }
    /// Newest first: all running, then the last 64.
    [[nodiscard]] std::vector<OperationView> views(TimePoint now) const;

    /// The host has asked for this known operation again: its result goes out once more.
    void give_again(const std::string& op);
    /// Results of host orders that have not gone out; they count as delivered from now on.
    [[nodiscard]] std::vector<OperationResult> take_undelivered(const std::string& session);

private:
    JvmPart make_part(JvmTask task, const Operation& operation, TimePoint now, Effects& effects);
    [[nodiscard]] static EndReason why_superseded(const Order& by);
    void supersede(const std::string& jvm, const Order& by, TimePoint now, Effects& effects);
    void rebase_squeeze(JvmPart& part, Bytes pss);
    void send(Operation& operation, JvmPart& part, TimePoint now, Effects& effects);
    void verify(Operation& operation, JvmPart& part, TimePoint now, Effects& effects);
    void end_unanswered(Operation& operation, JvmPart& part, EndReason reason, TimePoint now, Effects& effects);
    void end_part(JvmPart& part, EndReason reason);
    void cancel_part(Operation& operation, JvmPart& part, TimePoint now, Effects& effects);
    void part_due(Operation& operation, JvmPart& part, TimePoint now, Effects& effects);
    void roll_back(const JvmPart& part);
    void begin_os(Operation& operation, Effects& effects);
    void take_os(Operation& operation, TimePoint now, Effects& effects);
    void move_os(Operation& operation, TimePoint now, Effects& effects);
    static void leave_what_heaps_kept(Operation& operation);
    void end_os(Operation& operation, EndReason reason, const std::string& detail);
    void cancel_os(Operation& operation, Effects& effects);
    void supersede_os(const Order& by, Effects& effects);
    void start_waiting(Operation& operation, TimePoint now, Effects& effects);
    void retire_ended(TimePoint now, Effects& effects);
    void bound_ended();
    JvmPart* find_part(const std::string& jvm, Operation*& operation);

    JvmBook& jvms_;
    Millis agent_lease_;
    std::list<Operation> running_;
    std::deque<Operation> ended_;  ///< newest at the front
};

}  // namespace aerostat::guest
