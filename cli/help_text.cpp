#include "cli/help_text.h"

#include <array>
#include <utility>

namespace aerostat::cli {
namespace {

constexpr HelpText kProgram{
    "Shows and moves the memory of guests and JVMs: the operator's tool for aerostat-hostd and aerostat-guestd.",
    R"(TARGET is GUEST or GUEST/JVM on a host, and a JVM's name on a guest.
BYTES carry a unit: 512MiB, 1.5GiB, 4096B. Times too: 500ms, 5s, 10m. A bare number is an error.

The socket is that of --socket, else of $AEROSTAT_SOCKET, else /run/aerostat/control.sock.
Colours are used on a terminal only, and never when NO_COLOR is set.

Exit status:
  0  met: everything asked for was done
  1  error: the daemon refused or failed, or did not answer
  2  usage: the command line is wrong
  3  shortfall: the operation ended with bytes missing
  4  no daemon: nobody listens at the socket
  5  denied: no right to the socket or to this command

Examples:
  aerostatctl status
  aerostatctl squeeze orders/api 512MiB --deadline 5s
  aerostatctl --socket /run/aerostat/host/control.sock top
  aerostatctl squeeze api 1GiB --json | jq .verified

"aerostatctl COMMAND --help" explains one command.)"};

constexpr std::string_view kStatus =
    R"(For each guest: what it holds now as measured from outside, what the plan leaves it, its bounds, its state. On a host also
the budget, the emergency reserve and the price of memory: what one more GiB would save in CPU seconds per second.

Examples:
  aerostatctl status
  aerostatctl status --json | jq '.guests[] | {name, charged_bytes}')";

constexpr std::string_view kJvms =
    R"(For each JVM: collector, resident heap (footprint), live set, floor, target, balloon, memory outside the heap, GC cost.
The policy orders nothing below a floor, which is an estimate; a squeeze may. The balloon is a class of its own: it is neither
used nor free heap.

Examples:
  aerostatctl jvms
  aerostatctl jvms --json | jq '.guests[].jvms[].report.footprint_bytes')";

constexpr std::string_view kTop =
    R"(A live table of all layers, with the latest operations and warnings. The bar shows, from zero to the heap's ceiling, live data
(#), the rest of the resident heap (=) and the target (|). Arrows, PgUp, PgDn, Home and End (or j, k, space, b, g, G) move through
a long table; the place stays when guests come and go. While the daemon is away the last figures stay, with their time, and it is
asked again. q or Ctrl-C ends it. Where the output is not a terminal, one table is printed.

--work FILE adds a column from a file that is read again at each refresh, so that an application's own rate can stand
beside its memory. One line each, "NAME TEXT", where NAME is GUEST or GUEST/JVM:
  orders/api 12400 requests/s

Examples:
  aerostatctl top
  aerostatctl top --once --work /run/shop/rates
  aerostatctl top --interval 250ms)";

constexpr std::string_view kCondition =
    R"(What an application in this guest may count on: the level (ample, advisory, tight, critical), the bytes it may still take
without making anybody stall, what the guest should shed and by when. Read from the page that guestd publishes beside its
control socket; the daemon is not asked, so this answers also when it has died (the answer is then stale).

--exec CMD runs CMD in a shell at once and at each change of level, validity or session, with AEROSTAT_LEVEL,
AEROSTAT_VALIDITY, AEROSTAT_AVAILABLE_BYTES, AEROSTAT_SUGGESTED_RELEASE_BYTES and AEROSTAT_RELEASE_WITHIN_MS. A command that runs
is waited for; what changes meanwhile is one change afterwards.

Exit status without --watch: 0 valid, 1 stale, 4 no daemon.

Examples:
  aerostatctl condition
  aerostatctl condition --json | jq .available_bytes
  aerostatctl condition --watch
  aerostatctl condition --exec 'test "$AEROSTAT_LEVEL" = ample || redis-cli memory purge')";

constexpr std::string_view kSqueeze =
    R"(Takes BYTES off the target's resident memory as it is when the order is accepted, and holds it there: the result is a
ceiling until --hold ends or until give, release or resume. The operation ends when it is met or at its deadline, whichever
comes first, and says what was obtained, what was verified from outside, what is missing and why. It may ask for more than a
JVM's reported floor leaves, which is an estimate; where live data is in the way it ends `floor`. No JVM is made to fail an
allocation.

A daemon that is connected to a host refuses an order of its own unless --local is given.

Result with --json, in bytes:
  {"asked":…,"obtained":…,"verified":…,"shortfall":…,"reason":"met","elapsed_ms":…,…}
  reason: met, deadline, floor, gc-distress, guest-pressure, not-reclaimable, unsupported, stuck, cancelled, superseded,
  disconnected, paused

Examples:
  aerostatctl squeeze orders/api 512MiB
  aerostatctl squeeze orders/api 1GiB --deadline 2s --on-shortfall rollback
  aerostatctl squeeze orders 2GiB --hold 10m --no-wait)";

constexpr std::string_view kGive = R"(Raises the target by BYTES, within its maximum, and waits until the JVM has the room.

Examples:
  aerostatctl give orders/api 512MiB
  aerostatctl give orders/api 512MiB --deadline 2s)";

constexpr std::string_view kRelease =
    R"(Ends what an operator has ordered: ceilings fall away. On a host the policy decides again; on a guest without a host the
JVMs are unrestrained. Without TARGET: everywhere.

TARGET may also be a reservation's id, from reserve or ops.

Examples:
  aerostatctl release orders/api
  aerostatctl release)";

constexpr std::string_view kReserve =
    R"(Has others squeezed until BYTES are verified free, and keeps them from everybody: for a guest that is about to start. Answers
when they are, or by the deadline that they are not, and why. It ends when the guest of a hook has its memory, at --hold, or with
`aerostatctl release ID`. Only on a host. libvirt's hook asks by itself at each start of a domain.

Examples:
  aerostatctl reserve 4GiB --deadline 10s
  aerostatctl reserve 4GiB --for web-3 --hold 5m
  aerostatctl release reserve~1)";

constexpr std::string_view kDoctor =
    R"(Looks at the machine, the daemon, and on a host at libvirt and the guests it manages: what is missing, and how to mend it.
"bad" does not work; "advice" works and could be better.

Exit status: 0 nothing is bad, 3 something is, 4 no daemon answers (the machine is looked at all the same).

Examples:
  aerostatctl doctor
  aerostatctl doctor --json | jq '.findings[] | select(.level != "ok")')";

constexpr std::string_view kPlan =
    R"(What the policy would do now, without doing it: for each layer its memory now, its target, its price there and why.

Examples:
  aerostatctl plan
  aerostatctl plan --json | jq '.rows[] | select(.target_bytes < .now_bytes)')";

constexpr std::string_view kOps =
    R"(Operations that run and the last that ended, newest first, with what was asked, obtained, verified and missing.

Examples:
  aerostatctl ops
  aerostatctl ops --json | jq '.operations[] | select(.running)')";

constexpr std::string_view kSimulate =
    R"(Runs the host's own policy, and others beside it, against simulated guests: days in seconds, without a daemon. The table shows
memory, CPU seconds lost for want of it, moves, and how often an invariant was broken; see docs/operations.md. Exit status 3: one was.

Examples:
  aerostatctl simulate examples/scenarios/small.toml
  aerostatctl simulate examples/scenarios/week.toml --policies price,static --svg week.svg)";

constexpr std::string_view kHistory =
    R"(What the host has decided, one decision a line: those with new orders, changes of the level, and one a minute. Read from the
files that hostd keeps, also when it is not running; that takes the right to read them.

Examples:
  aerostatctl history --since 10m
  aerostatctl history --json | jq '.plan.price')";

constexpr std::string_view kExplain =
    R"(One decision in full: how the host was, and for each layer what it held, its aim, what was ordered, the price and why. The last
decision with orders; with WHAT, the last before that time, or the last that orders this guest about.

Examples:
  aerostatctl explain
  aerostatctl explain orders
  aerostatctl explain 14:05:09)";

constexpr std::string_view kReplay =
    R"(Decides again what is kept, from what was seen then: under another policy to compare it, or under the recorded one, which must
come to the same orders.

Examples:
  aerostatctl replay
  aerostatctl replay --policy proportional --since 1h)";

constexpr std::string_view kCancel =
    R"(Ends a running operation now. What it has obtained so far is kept, or given back with --on-shortfall rollback.

Examples:
  aerostatctl cancel 3f9c2a7b10d4e586
  aerostatctl cancel 3f9c2a7b10d4e586 --on-shortfall rollback)";

constexpr std::string_view kPause =
    R"(The off switch: nothing is squeezed any more until resume, and targets in force are lifted. Without TARGET: the whole daemon.

Examples:
  aerostatctl pause orders
  aerostatctl pause)";

constexpr std::string_view kResume =
    R"(Ends a pause; ceilings of earlier squeezes do not come back. Without TARGET: the whole daemon.

Examples:
  aerostatctl resume orders)";

constexpr std::array<std::pair<std::string_view, HelpText>, 18> kCommands{{
    {"status", {"The daemon and its guests at a glance", kStatus}},
    {"jvms", {"Every JVM with its heap, balloon and costs", kJvms}},
    {"top", {"A live table of all layers", kTop}},
    {"condition", {"What applications of this guest may count on", kCondition}},
    {"squeeze", {"Take memory from a guest or JVM, within a deadline", kSqueeze}},
    {"give", {"Give memory to a guest or JVM", kGive}},
    {"release", {"Drop the ceilings that squeezes have left", kRelease}},
    {"reserve", {"Keep memory for a guest that is about to start", kReserve}},
    {"plan", {"What the policy would do now (nothing is done)", kPlan}},
    {"ops", {"Operations, running and ended", kOps}},
    {"history", {"What the host has decided", kHistory}},
    {"explain", {"One decision, and why", kExplain}},
    {"replay", {"Kept decisions under another policy", kReplay}},
    {"simulate", {"Try the policy on simulated guests", kSimulate}},
    {"cancel", {"End a running operation", kCancel}},
    {"pause", {"Switch ballooning off", kPause}},
    {"resume", {"Switch ballooning on again", kResume}},
    {"doctor", {"What is missing here, and how to mend it", kDoctor}},
}};

}  // namespace

HelpText program_help() { return kProgram; }

HelpText command_help(std::string_view command) {
    for (const auto& [name, help] : kCommands) {
        if (name == command) return help;
    }
    return {};
}

}  // namespace aerostat::cli
