#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/messages.h"

// What aerostatctl asks a daemon and what it is told. Both daemons answer with the same views, so that one table shows a
// host and a guest alike. The same JSON-lines codec, types `request` and `reply`.
namespace aerostat {

enum class Command { status, jvms, ops, plan, squeeze, give, release, cancel, pause, resume, reserve, doctor };

/// The right a command needs; a connection has one or both by its unix groups (docs/operations.md).
enum class Permission { read, operate };
[[nodiscard]] Permission permission_for(Command command);
[[nodiscard]] std::string_view to_string(Command command);

/// GUEST, GUEST/JVM, or (on guestd) a JVM's name; empty where a command takes none.
struct ControlRequest {
    std::string id;
    Command command = Command::status;
    std::string target;
    std::optional<Bytes> bytes;      ///< squeeze, give
    std::optional<Millis> deadline;  ///< squeeze, give, release: default 5 s
    std::optional<Millis> hold;      ///< squeeze: default until give, release or resume
    OnShortfall on_shortfall = OnShortfall::keep;
    std::string op;       ///< cancel
    bool local = false;   ///< guestd: act although a host is in charge
    bool wait = true;     ///< squeeze, give: reply when the operation has ended
    std::string guest{};  ///< reserve, release: the identity of the guest a reservation is for
    bool hook = false;    ///< reserve: the start of that guest waits for the answer
};

/// One operation as its owner knows it.
struct OperationView {
    std::string op;
    std::string command;  ///< "squeeze", "give", "release", "balance" (the policy's own)
    std::string target;
    bool running = false;
    Bytes asked;
    Bytes obtained;
    std::optional<Bytes> verified;
    Bytes shortfall;
    EndReason reason = EndReason::met;
    RestIs rest = RestIs::kept;
    std::optional<Bytes> os_moved;  ///< by the guest's OS balloon, in the direction of the command
    Millis deadline{0};
    Millis elapsed{0};
    Millis started_ago{0};
    std::string detail;
};

/// One layer of a guest in the daemon's eyes.
struct JvmView {
    JvmReport report;
    Millis report_age{0};
    std::optional<Bytes> target;   ///< the superior's order; absent: unrestrained
    std::optional<Bytes> ceiling;  ///< an operator's squeeze in force
    double price = 0;              ///< CPU seconds per second and GiB at the footprint
    std::optional<Bytes> pss;      ///< of the process, by the daemon's own instrument
};

/// The guest OS layer in the host's share-out: what the guest holds outside its heaps.
struct OsView {
    Bytes footprint;
    Bytes floor;                   ///< below it only by swapping
    std::optional<Bytes> target;   ///< in force; absent: unrestrained
    std::optional<Bytes> planned;  ///< the plan's aim
    double price = 0;              ///< CPU seconds per second and GiB at the footprint
};

struct GuestView {
    std::string name;
    std::string identity;  ///< what the guest really is: "session:1234", "cgroup:/…", "domain:UUID"
    std::string state;     ///< "connected", "silent", "stuck", "observed", "paused", "left-alone", "gone"
    double weight = 1;
    std::optional<Bytes> min;
    std::optional<Bytes> max;
    Bytes charged;                ///< measured from outside: what the guest holds now
    Bytes fixed;                  ///< of it, outside the Java heaps
    std::optional<Bytes> target;  ///< what the plan leaves it
    Bytes memory_available;
    std::optional<Bytes> ram;          ///< a virtual machine's RAM
    std::optional<Bytes> os_balloon;   ///< of it, in the guest OS balloon
    std::vector<std::string> notes{};  ///< for people: why it is left alone, errors in its memory
    std::optional<OsReport> os;        ///< the guest OS layer, as its daemon says
    std::optional<OsView> os_layer;    ///< and as the host shares it out; absent: it does not
    std::vector<JvmView> jvms;
};

struct StatusView {
    std::string daemon;  ///< "hostd", "guestd"
    std::string name;
    std::string software;
    std::string mode;      ///< hostd: "advise", "act"
    std::string policy;    ///< hostd: how it shares memory out ("price")
    std::string superior;  ///< guestd: "connected", "silent", "none"
    bool paused = false;
    std::optional<Bytes> memory;  ///< hostd: the budget
    std::optional<Bytes> emergency_reserve;
    std::optional<Bytes> reserved{};  ///< hostd: of the budget, kept for guests that are about to start
    std::optional<Bytes> lost{};      ///< hostd: of the budget, lost to errors in memory
    std::optional<Bytes> charged;     ///< hostd: sum over guests
    std::optional<double> price;      ///< the host's price of memory, CPU seconds per second and GiB
    std::optional<Bytes> short_by;    ///< hostd: floors and minimums do not fit by this much
    std::uint64_t malformed_lines = 0;
    std::uint64_t peers_cut_off = 0;
    std::vector<std::string> warnings;  ///< what is degraded, for people
    std::vector<GuestView> guests;
};

struct PlanRow {
    std::string guest;
    std::string layer;  ///< a JVM's name, or "guest OS"
    Bytes now;
    Bytes target;
    double price = 0;  ///< at the target
    std::string why;   ///< "cheapest bytes", "at its floor", "needs more", "held by operator", …
};

struct PlanView {
    Bytes capacity;  ///< to share out, after the reserve
    std::string policy;
    double price = 0;
    std::optional<Bytes> short_by;
    std::vector<PlanRow> rows;
    std::optional<Bytes> ready{};  ///< of the capacity, kept for a heap that has grown faster than others give
};

/// One thing a doctor has looked at.
struct Finding {
    std::string check;    ///< "libvirt", "channel", "balloon", …
    std::string subject;  ///< a guest's name; empty: the host
    std::string level;    ///< "ok", "advice" (works, could be better), "bad" (does not work)
    std::string says;
    std::string remedy;  ///< what to do; empty where nothing is to be done
};

struct DoctorView {
    std::vector<Finding> findings;
};

/// The list replies.
struct OperationsView {
    std::vector<OperationView> operations;  ///< newest first
};

using ReplyBody = std::variant<std::monostate, StatusView, PlanView, OperationsView, OperationView, DoctorView>;

/// Long lists travel as several replies of the same id, each within a line; `more` is set on all but the last.
struct ControlReply {
    std::string id;
    bool more = false;
    std::optional<Error> error;  ///< set: the request failed and `body` is empty
    ReplyBody body;
};

/// Appends a following part of a reply to what has been received so far. Fails: `bad_value` if they are not of one kind or
/// the whole would pass 10,000 entries.
[[nodiscard]] Status append_part(ControlReply& so_far, ControlReply part);

}  // namespace aerostat
