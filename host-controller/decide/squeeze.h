#pragma once

#include <string>
#include <vector>

#include "host-controller/decide/plan.h"

// What an operator's order comes to, JVM by JVM. Pure.
namespace aerostat::host {

struct OperatorOrder {
    std::vector<LayerOrder> layers;
    Bytes asked;
};

/// Takes `bytes` off the present footprints of the guest's JVMs (of one of them, if `jvm` names it), the cheapest first.
/// What lies beyond their floors is asked for, too: the agents find out, those first whose floor is only assumed. Fails:
/// `bad_value` (no bytes asked for), `not_found` (no such JVM), `refused` (they hold less: the sentence says how much;
/// nothing with a balloon).
[[nodiscard]] Result<OperatorOrder> split_squeeze(const GuestSeen& guest, const std::string& jvm, Bytes bytes);

/// Raises the JVMs' targets by `bytes` in all, where it helps most, out of `free` (for `release`: as far as it goes).
/// Fails: as split_squeeze; `refused` also when less than `bytes` is verified free.
[[nodiscard]] Result<OperatorOrder> split_give(const GuestSeen& guest, const HostState& state, const std::string& jvm,
                                               Bytes bytes, Bytes free);
[[nodiscard]] Result<OperatorOrder> split_release(const GuestSeen& guest, const HostState& state, const std::string& jvm,
                                                  Bytes free);

}  // namespace aerostat::host
