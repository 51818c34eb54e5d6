#pragma once

#include <span>
#include <string_view>

namespace aerostat::agent {

/// A class file of java-shim/, embedded at build time.
struct ShimClass {
    std::string_view name;  ///< "org/aerostat/agent/Flags"
    std::span<const unsigned char> bytes;
};

[[nodiscard]] std::span<const ShimClass> shim_classes();

}  // namespace aerostat::agent
