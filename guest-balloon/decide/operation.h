#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/control.h"
#include "guest-balloon/decide/jvm_book.h"

namespace aerostat::guest {

enum class Origin { operators, host, silence, guard };

/// What an order wants of one JVM, after all rules have been applied.
struct JvmTask {
    std::string jvm;
    Bytes before;       ///< footprint at acceptance
    Bytes asked;        ///< to take away, or to give back when growing
    HeapTarget target;  ///< what its agent is told; at or above the heap's ceiling: no restraint
    bool shrinks = false;
    bool below_floor = false;           ///< tried below the reported floor: an operator's squeeze makes its agent find out
    bool rebases = false;               ///< `asked` counts from what the heap turns out to hold
    Restraint afterwards;               ///< what holds once the order is out
    EndReason limit = EndReason::met;   ///< why less than was wanted is tried: floor, superseded (an operator's ceiling)
    std::string remark;                 ///< for people
    std::optional<JvmOutcome> settled;  ///< decided without asking the agent: nothing is sent
};

/// What an order wants of the OS layer's balloon.
struct OsTask {
    Bytes before;                       ///< held by the container at acceptance
    Bytes limit;                        ///< it might hold so much
    Bytes wanted;                       ///< it shall hold no more
    Bytes target;                       ///< what is tried of that
    bool asks = false;                  ///< applications offer memory: they are asked before it is taken
    EndReason reason = EndReason::met;  ///< why less than that is tried
    std::string remark;
    [[nodiscard]] bool takes() const { return wanted < limit; }
    [[nodiscard]] Bytes asked() const { return takes() ? saturating_sub(before, wanted) : saturating_sub(wanted, limit); }
};

/// An accepted order: bring these JVMs to their targets by the deadline.
struct Order {
    std::string op;
    Origin origin = Origin::operators;
    std::string command;         ///< OperationView::command
    std::string subject;         ///< OperationView::target
    std::vector<JvmTask> tasks;  ///< at most one a JVM
    std::optional<OsTask> os;    ///< heaps give before it takes, and grow after it has given
    Millis deadline{5'000};
    OnShortfall on_shortfall = OnShortfall::keep;
    Cap cap = Cap::firm;
    std::optional<Millis> hold;
    std::string detail;
};

/// Where one JVM's part of an operation stands.
enum class Stage {
    waiting,    ///< for the OS layer to give what this heap is to have
    measuring,  ///< its PSS before, then the order goes out
    ordered,    ///< its agent is at work
    away,       ///< its agent lost its connection; the order is sent again if it returns in time
    verifying,  ///< its PSS after
    done,
};

struct JvmPart {
    JvmTask task;
    ProcessIdentity process;
    Restraint previous;  ///< comes back on rollback
    Stage stage = Stage::done;
    TimePoint due;  ///< when something happens without a message
    std::optional<Bytes> pss_before;
    JvmOutcome outcome;  ///< final once done
    RestIs rest = RestIs::kept;
};

/// The OS layer's part.
struct OsPart {
    enum class Stage { waiting, asking, moving, done };
    Stage stage = Stage::waiting;
    TimePoint due;  ///< while asking: it is not waited for longer; while moving: an answer is overdue then
    OsOutcome outcome;
};

/// One order on its way, and later its record.
struct Operation {
    Order order;
    TimePoint accepted_at;
    TimePoint ended_at;  ///< valid once all parts are done
    std::vector<JvmPart> parts;
    std::optional<OsPart> os;
    std::optional<OnShortfall> cancelled;  ///< by whom no longer matters; how the rest is treated
    bool delivered = true;                 ///< of host orders: false until the result went out

    [[nodiscard]] bool running() const;
    [[nodiscard]] bool heaps_run() const;
    [[nodiscard]] TimePoint deadline_at() const { return accepted_at + order.deadline; }
    /// Some of the time is kept for the OS layer, which takes what the heaps gave.
    [[nodiscard]] TimePoint heaps_deadline_at() const;
    [[nodiscard]] JvmPart* part_of(const std::string& jvm);
};

/// After the deadline an agent has this long to say how far it came.
inline constexpr Duration kAnswerGrace = std::chrono::milliseconds(300);
/// An agent not heard of for this long at the end is `stuck`; one that reports but has not answered missed the `deadline`.
inline constexpr Duration kStuckAfter = std::chrono::seconds(3);

/// While no collection cycle has shown what is alive, the reported floor is an assumption, and none is known.
[[nodiscard]] Bytes known_floor(const JvmReport& report);
/// Brings an operator's squeeze in line with the process's PSS just measured: an agent looks at its pages only now and then,
/// and a heap that is smaller than it last said would otherwise be ordered to where it already is. Not below the
/// floor, but where the squeeze meant to go there.
void rebase(JvmTask& task, const JvmReport& report, Bytes pss);
/// The outcome from its agent's answer. The base is the footprint when the order was accepted, which may be a report
/// older than the agent's own base; figures stay within what that heap can hold.
[[nodiscard]] JvmOutcome outcome_from_answer(const JvmTask& task, const OperationResult& answer, Bytes heap_ceiling);
/// The outcome when no answer came: what its last report shows.
[[nodiscard]] JvmOutcome outcome_without_answer(const JvmTask& task, EndReason reason, std::optional<Bytes> footprint_now);
/// Fills in what our own instrument saw. Growing is not verified: room is given, not taken.
void add_verified(JvmPart& part, std::optional<Bytes> pss_after);

/// Sums over the parts; the reason is that of the largest shortfall. `verified` is absent if one shrinking part lacks it.
[[nodiscard]] OperationResult result_of(const Operation& operation, const std::string& session);
[[nodiscard]] OperationView view_of(const Operation& operation, TimePoint now);

}  // namespace aerostat::guest
