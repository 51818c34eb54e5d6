#pragma once

#include <string>
#include <vector>

#include "contract/control.h"
#include "guest-balloon/decide/guest_state.h"

namespace aerostat::guest {

/// What the doors and links know beside the state.
struct LinkFacts {
    std::uint64_t malformed_lines = 0;
    std::uint64_t peers_cut_off = 0;
    std::vector<std::string> degraded;  ///< sources that could not be read
    std::string host_trouble;           ///< why the host is not there; empty if it is, or none is configured
};

/// The answer to `status` and `jvms`, within one line of the wire: with many JVMs curves are thinned and texts left out.
[[nodiscard]] StatusView status_view(const GuestState& state, const LinkFacts& links, TimePoint now);

[[nodiscard]] JvmView jvm_view(const Jvm& jvm, TimePoint now);

}  // namespace aerostat::guest
