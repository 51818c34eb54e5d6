#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "contract/control.h"

// What libvirt's hook does: has hostd reserve the memory of a domain before it starts. Without hostd's code: it has to
// answer also when hostd is dead, or hangs.
namespace aerostat::host::app {

/// libvirt waits for the hook, without a limit of its own.
struct HookRules {
    std::string socket = "/run/aerostat/control.sock";
    Duration limit = std::chrono::seconds(10);  ///< for everything
    bool refuse_when_down = false;              ///< hostd does not answer, or there is nothing to ask it
    bool refuse_when_short = true;              ///< hostd says that there is no room
};

/// A missing file is no trouble: the defaults. Fails: as StrictTable.
[[nodiscard]] Result<HookRules> read_hook_rules(const std::string& path);

/// How libvirt calls: NAME OPERATION SUB_OPERATION.
struct HookCall {
    std::string domain;
    std::string operation;
    std::string sub_operation;
    [[nodiscard]] bool begins() const { return operation == "prepare" && sub_operation == "begin"; }
    /// It did not start after all, or has stopped: what was reserved and has not arrived is free again.
    [[nodiscard]] bool ends() const { return operation == "release" && sub_operation == "end"; }
};

/// What is asked of hostd. Fails: `bad_value` (not a domain's XML, no UUID, too long).
[[nodiscard]] Result<ControlRequest> hook_request(const HookCall& call, std::string_view xml, const HookRules& rules);

struct HookVerdict {
    bool allow = true;
    std::string say;  ///< for libvirt's log, or its error; empty: nothing
};
[[nodiscard]] HookVerdict hook_verdict(const HookCall& call, const Result<ControlReply>& reply, const HookRules& rules);

/// Reads until the end, at most 1 MiB. Fails: `bad_value` (more), `timed_out`, `io`.
[[nodiscard]] Result<std::string> read_bounded(int fd, Duration within);

}  // namespace aerostat::host::app
