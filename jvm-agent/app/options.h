#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "contract/messages.h"
#include "jvm-agent/decide/lever_plan.h"

namespace aerostat::agent {

/// When the program is shown its balloon as an MXBean. automatic: when the first target has been accepted.
enum class MxBean { automatic, on, off };

/// What the operator wrote behind `=` in -agentpath, or gave to `jcmd PID JVMTI.agent_load`.
struct Options {
    std::string runtime_dir = "/run/aerostat";  ///< runtime-dir=DIR: where guestd's agent.sock is
    std::string name;                           ///< name=NAME; empty: made of the pid
    double cpu_budget = 0.05;                   ///< cpu-budget=5%: share of one core for background work, 0.1% to 100%
    Cap firmest = Cap::hard;                    ///< cap=elastic|firm|hard: orders may not be firmer than this
    int full_gcs = 0;                           ///< full-gcs=N: full collections to ask for within ten minutes
    Bytes refill_reserve;                       ///< refill-reserve=SIZE: Parallel, Serial: memory kept for a full collection
    G1Hold g1_hold = G1Hold::calm;              ///< g1-hold=chunks|calm|size: when a G1 heap is held by its own size
    bool trim_native = true;                    ///< trim-native=on|off: free native memory goes back beside a shrink
    bool verbose = false;                       ///< log=quiet|verbose: edges only, or each operation, on stderr
    MxBean mxbean = MxBean::automatic;          ///< mxbean=auto|on|off; on: from the start
    bool flight_events = true;                  ///< jfr=auto|off: events in flight recordings, while there is one
    bool stress_passes = false;                 ///< stress-passes=on|off: tests only; release all chunks again all the time
    bool help = false;                          ///< help: print this list, and run without the agent
};

/// KEY=VALUE, separated by commas. Fails: `bad_value` with one sentence for the operator.
[[nodiscard]] Result<Options> parse_options(std::string_view text);
[[nodiscard]] std::string_view options_help();

}  // namespace aerostat::agent
