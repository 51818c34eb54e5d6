#pragma once

#include <set>
#include <string>

#include "contract/control.h"
#include "guest-balloon/decide/operation.h"

namespace aerostat::guest {

/// The off switch: for the whole guest, or by JVM name (bounded; a name outlives its process, so that a restart does not
/// switch a JVM on again).
struct PauseSwitch {
    static constexpr std::size_t kMostNames = 64;
    bool everything = false;
    std::set<std::string> jvms;

    [[nodiscard]] bool covers(const std::string& jvm) const { return everything || jvms.contains(jvm); }
};

/// What a request is judged by.
struct Circumstances {
    std::string guest;  ///< our own name: "GUEST/JVM" is understood, too
    bool host_in_charge = false;
    const PauseSwitch& paused;
    TimePoint now;
};

/// The order that an operator's squeeze, give or release amounts to. `op` is its fresh id.
/// Fails, with a sentence for people: `bad_value`, `not_found` (listing the known JVMs), `unsupported` (its reason),
/// `refused` (the host is in charge, paused, more than the heap holds), `busy` (has not reported yet).
[[nodiscard]] Result<Order> order_for(const ControlRequest& request, const std::string& op, const JvmBook& jvms,
                                      const Circumstances& here);

/// The order that lifts all restraint from one JVM, or from all where `jvm` is empty.
[[nodiscard]] Order lifting_order(const std::string& op, const std::string& command, const std::string& jvm,
                                  const JvmBook& jvms);

/// A task that lifts all restraint from a JVM; settled at once where there is none.
[[nodiscard]] JvmTask lifting_task(const Jvm& jvm);

/// The JVM's name in TARGET, which may be "GUEST/JVM" with our own name. Fails: `bad_value`, `not_found`.
[[nodiscard]] Result<std::string> jvm_in_target(const std::string& target, const std::string& guest);

}  // namespace aerostat::guest
