#pragma once

#include <cstdint>

namespace aerostat::host::sim {

/// A random number in [0, 1) without state: the same arguments always give the same one, so that a run can be repeated and
/// every policy meets the same world. (SplitMix64 over the arguments.)
[[nodiscard]] constexpr double chance(std::uint64_t seed, std::uint64_t who, std::uint64_t when) {
    std::uint64_t x = seed * 0x9e3779b97f4a7c15ULL + who * 0xbf58476d1ce4e5b9ULL + when * 0x94d049bb133111ebULL;
    for (int round = 0; round < 2; ++round) {
        x += 0x9e3779b97f4a7c15ULL;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        x ^= x >> 31;
    }
    return static_cast<double>(x >> 11) / 9007199254740992.0;  // 2^53
}

}  // namespace aerostat::host::sim
