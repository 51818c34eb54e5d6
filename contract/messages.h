#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "contract/clock.h"
#include "contract/condition_page.h"
#include "contract/cost_curve.h"
#include "contract/roles.h"
#include "contract/units.h"

// What the programs say to each other, as plain values. Field by field in docs/protocol.md; the codec (contract/codec.h)
// turns them into JSON lines and back. Sizes are absolute, times relative to receipt.
namespace aerostat {

/// Bounds of the wire. A message beyond them is malformed.
struct WireLimits {
    static constexpr std::size_t kLine = 64 * 1024;       ///< bytes a line, newline included
    static constexpr std::size_t kText = 512;             ///< bytes of a free text
    static constexpr std::size_t kWords = 32 * 1024;      ///< bytes of a line passed on to another program
    static constexpr std::size_t kJvms = 32;              ///< JVMs a guest
    static constexpr std::size_t kListPart = 1024;        ///< guests, rows or operations a line of a reply
    static constexpr std::size_t kReplyEntries = 10'000;  ///< the same over all lines of a reply
    static constexpr std::size_t kWarnings = 32;
    static constexpr std::size_t kNotes = 8;  ///< of one guest
    static constexpr std::size_t kLevers = 8;
};

enum class Role { agent, guest };
enum class Cap { elastic, firm, hard };
enum class OnShortfall { keep, rollback };
enum class RestIs { kept, rolled_back };

/// Why an operation ended where it did. `met`: nothing is missing.
enum class EndReason {
    met,
    deadline,
    floor,
    gc_distress,
    guest_pressure,
    not_reclaimable,
    unsupported,  ///< this collector or setting has no balloon; nothing was touched
    stuck,
    cancelled,
    superseded,    ///< a newer order for the same target replaced it
    disconnected,  ///< the JVM or guest went away
    paused,        ///< the off switch is on
};

/// What a JVM is; does not change while it runs.
struct JvmFacts {
    std::string java_version;  ///< "17.0.21"
    std::string collector;     ///< "G1", "Parallel", "Serial", "Shenandoah", "Z", "unknown"
    Bytes max_heap;            ///< -Xmx as the collector rounds it
    Bytes initial_heap;        ///< -Xms: levers never go below it
    bool can_balloon = false;
    std::string why_not;  ///< when can_balloon or can_hold is false: the reason, for people
    /// False: there are only the collector's levers, and nothing keeps the heap at its target when the program grows.
    bool can_hold = true;
};

struct Hello {
    Role role = Role::agent;
    std::string name;             ///< as configured; the superior may assign another
    std::string session;          ///< fresh for each connection; orders must carry it
    std::string software;         ///< "0.1.0"
    std::optional<JvmFacts> jvm;  ///< agents only
};

struct Welcome {
    std::string session;  ///< the hello's, returned
    std::string name;     ///< the name the subordinate goes by from now on
    Millis lease{30'000};
};

/// What an agent knows of its JVM. Unknown values are absent, never zero.
struct JvmReport {
    std::string name;  ///< set by guestd when it passes the report on
    JvmFacts facts;
    HeapFootprint footprint;
    Bytes committed;
    Bytes used;
    std::optional<Bytes> live;  ///< after the last cycle that saw the whole heap
    Bytes floor;                ///< policies ask for no less; an operator's squeeze may
    Bytes ceiling;              ///< more than this the heap cannot use (max_heap)
    Bytes non_heap;             ///< resident bytes of the process outside the heap
    HeapBalloonSize balloon;
    Bytes balloon_verified;             ///< of these, not resident at the last look
    Bytes releasable;                   ///< free and resident: can go now
    std::optional<HeapTarget> target;   ///< the order in force
    std::optional<Millis> target_left;  ///< a held ceiling ends after this; absent: until another order
    double alloc_bytes_per_s = 0;
    double gc_cpu = 0;     ///< GC-thread CPU seconds per second
    double agent_cpu = 0;  ///< the agent's own CPU seconds per second
    std::optional<Millis> pause_p99;
    std::uint64_t gc_count = 0;             ///< since the JVM started
    std::optional<std::uint64_t> full_gcs;  ///< since the JVM started; absent where it cannot be read
    std::uint64_t refills = 0;              ///< chunks whose pages came back and were released again
    double refill_bytes_per_s = 0;
    std::uint64_t cleared_chunks = 0;  ///< taken by the collector instead of given back by us
    std::uint64_t guard_releases = 0;
    std::string distress;             ///< empty, or what the guard sees
    std::vector<std::string> levers;  ///< flags now set by us, "MaxHeapFreeRatio=10"
    std::string held;                 ///< for people: how a target is held, and what that waits for; or empty
    std::string running_op;           ///< the operation being carried out, or empty
    CostCurve curve;                  ///< over heap footprint
    /// Of the program's collections so much was observed for it, weighted; 0: it is assumed, a minute: as sure as it gets.
    std::optional<Millis> curve_seen{};
};

/// The guest OS layer: the guest's memory outside its Java heaps.
struct OsReport {
    Bytes size;                      ///< held or free outside the heaps
    Bytes floor;                     ///< below it only by swapping
    std::optional<Bytes> offered{};  ///< of what lies above it, what applications say they can give
    Bytes spare;                     ///< free above the guest's reserve
    Bytes taken;                     ///< by the OS layer's balloon
    std::string driver;              ///< "virtio", "application" (the host drives these), "cgroup-v2", "cgroup-v1", "none"
    bool can_move = false;           ///< guestd can: an os_target is obeyed. It is the size of the container
    Bytes holds;                     ///< then: what the container holds now, heaps included
    Bytes limit;                     ///< and may hold at most
    std::optional<Bytes> target{};   ///< the os_target in force; absent: not held
    bool learned = false;            ///< what a refault costs was measured; else it is assumed
    CostCurve curve;                 ///< over `size`
};

/// Whether the host moves its balloon, and can give back what that holds.
[[nodiscard]] inline bool is_moved_by_host(const OsReport& os) {
    return os.driver == "virtio" || os.driver == "application";
}

/// What guestd knows of its guest.
struct GuestReport {
    std::vector<JvmReport> jvms;
    Bytes memory_total;                    ///< MemTotal
    Bytes memory_available;                ///< MemAvailable
    std::optional<double> psi_some_avg10;  ///< percent; absent where the kernel has no PSI
    std::optional<double> psi_full_avg10;
    bool paused = false;           ///< the guest's off switch
    std::optional<OsReport> os{};  ///< absent while nothing has been seen of it
};

struct JvmOrder {
    std::string jvm;
    HeapTarget target;
    /// An operator's squeeze: at least so much less than the heap holds when the order arrives. The figure that `target` was
    /// made of may be older than the heap, which then would be told to come to where it already is. Zero: such an order told
    /// once more, which may have been carried out; the target alone counts.
    std::optional<Bytes> shrink_by{};
};

/// host -> guest: bring each named JVM to its target within the deadline.
struct Apply {
    std::string session;
    std::string op;
    std::vector<JvmOrder> jvms;
    std::optional<GuestTarget> os_target;  ///< for an OS balloon driven from inside; absent: not driven by us
    Millis deadline{5'000};
    Millis lease{30'000};
    OnShortfall on_shortfall = OnShortfall::keep;
    Cap cap = Cap::firm;
    std::optional<Millis> hold;  ///< the targets fall away after this; absent: until another order
};

/// guest -> agent. A target at or above the heap's ceiling lifts all restraint.
struct SetHeapTarget {
    std::string session;
    std::string op;
    HeapTarget target;
    Millis deadline{5'000};
    Millis lease{30'000};
    OnShortfall on_shortfall = OnShortfall::keep;
    Cap cap = Cap::firm;
    std::optional<Millis> hold;
};

/// How one JVM came out of an operation. Bytes are measured, never as asked.
struct JvmOutcome {
    std::string jvm;
    Bytes before;  ///< footprint at acceptance
    Bytes after;
    Bytes asked;                    ///< before - target, or target - before when growing
    Bytes obtained;                 ///< by the agent's own residency check
    std::optional<Bytes> verified;  ///< by guestd's instrument (PSS), absent if it could not look
    Bytes shortfall;
    EndReason reason = EndReason::met;
    std::string detail;  ///< for people; may be empty
};

/// How the OS layer came out of an operation.
struct OsOutcome {
    Bytes before;  ///< held by the container when its part began
    Bytes after;
    Bytes asked;
    Bytes obtained;
    Bytes shortfall;
    EndReason reason = EndReason::met;
    std::string detail;
};

/// The end of an operation; from agent (no `jvms`) and from guest (one entry a JVM).
struct OperationResult {
    std::string session;
    std::string op;
    Bytes asked;
    Bytes obtained;
    std::optional<Bytes> verified;
    Bytes shortfall;
    EndReason reason = EndReason::met;
    RestIs rest = RestIs::kept;
    Millis elapsed{0};
    std::string detail;
    std::vector<JvmOutcome> jvms;
    std::optional<OsOutcome> os{};  ///< of an order with an os_target; not part of the sums above
};

/// Up, urgent: this guest or JVM needs memory now.
struct Pressure {
    Bytes wanted;
    std::string cause;  ///< "gc-distress", "cleared-chunks", "psi"
    std::string jvm;    ///< empty: the guest itself
};

/// Down: how the host is.
struct HostCondition {
    std::string level;                    ///< ample, advisory, tight, critical; empty: not shared
    std::optional<double> price;          ///< CPU seconds per second and GiB; absent: not shared
    std::optional<Bytes> guest_target{};  ///< what the plan leaves this guest in all; absent: it is not ordered about
    std::optional<Bytes> takes{};         ///< of what the guest has available, what is about to be taken
};

struct LeaseRenewal {
    std::string session;
    Millis lease{30'000};
};

struct Cancel {
    std::string session;
    std::string op;
    OnShortfall rest = OnShortfall::keep;
};

/// Both ways: what hostd and a guest's aerostat-balloon say to each other, passed on by guestd. A line as that program
/// speaks it (application-balloon/contract/wire.h), without its newline.
struct BalloonWords {
    std::string session;
    std::string line;
};

/// An answer to a message that was not understood or is not allowed. Never answered itself.
struct ErrorNotice {
    std::string code;
    std::string message;
};

/// Application -> guest: tell me when the memory condition changes. Replaces an earlier one of the same connection.
enum class WatchFor { level, all, none };
struct Watch {
    WatchFor changes = WatchFor::level;
};

/// Guest -> application: the condition in short; the page holds everything.
struct MemoryNews {
    ConditionLevel level = ConditionLevel::ample;
    ConditionTrend trend = ConditionTrend::steady;
    ConditionValidity validity = ConditionValidity::valid;
    std::uint64_t session = 0;
    std::optional<Bytes> available;
    std::optional<Bytes> suggested_release;
    std::optional<Millis> deadline;  ///< from now
};

/// Application -> guest: a cache or pool that gives memory back when asked. Again: new figures.
struct ReclaimerFigures {
    std::string reclaimer;        ///< its name, one of its connection's
    Bytes releasable;             ///< what it could release now
    std::optional<double> price;  ///< CPU seconds per second lost for each GiB released
};
struct ForgetReclaimer {
    std::string reclaimer;
};

/// Guest -> application: please release so much by then.
struct Reclaim {
    std::string reclaimer;
    Bytes wanted;
    Millis deadline{0};
};
/// Its answer, with its id: what was really released, maybe nothing.
struct Reclaimed {
    std::string reclaimer;
    Bytes released;
};

using Message = std::variant<Hello, Welcome, JvmReport, GuestReport, Apply, SetHeapTarget, OperationResult, Pressure,
                             HostCondition, LeaseRenewal, Cancel, ErrorNotice, Watch, MemoryNews, ReclaimerFigures,
                             ForgetReclaimer, Reclaim, Reclaimed, BalloonWords>;

/// A message with its envelope id; an answer carries the id of what it answers.
struct Envelope {
    std::string id;
    Message body;
};

[[nodiscard]] std::string_view to_string(EndReason reason);
[[nodiscard]] std::string_view to_string(Cap cap);
[[nodiscard]] std::string_view to_string(OnShortfall rule);
[[nodiscard]] std::string_view to_string(RestIs rest);
[[nodiscard]] std::string_view to_string(Role role);

}  // namespace aerostat
