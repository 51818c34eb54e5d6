#pragma once

#include <span>

namespace aerostat::agent {

/// The class file of org.aerostat.agent.Flags, embedded at build time.
[[nodiscard]] std::span<const unsigned char> flags_shim_bytes();

}  // namespace aerostat::agent
