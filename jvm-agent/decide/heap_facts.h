#pragma once

#include <cstdint>
#include <optional>

#include "contract/units.h"

namespace aerostat::agent {

/// What the collector says about its heap at one moment. `used` and `used_after_gc` count the balloon's chunks, because
/// to the collector they are objects like any others.
struct HeapFacts {
    Bytes max;      ///< -Xmx as the collector rounds it
    Bytes minimum;  ///< the collector never commits less (-Xms)
    Bytes region;   ///< size of one region: the unit of chunks
    Bytes committed;
    Bytes used;
    Bytes used_after_gc;       ///< at the end of the last pause; zero before the first
    Bytes freed;               ///< by collections since the agent looks; with `used` it tells what was allocated
    std::uint64_t pauses = 0;  ///< of any kind, since the agent looks
    std::uint64_t young_gcs = 0;
    std::uint64_t cycle_pauses = 0;         ///< remark and cleanup pauses of concurrent cycles
    std::optional<std::uint64_t> full_gcs;  ///< absent where it cannot be read
};

/// How busy the collector is, in GC-thread CPU seconds per second.
struct GcLoad {
    double now = 0;
    double usual = 0;  ///< without a balloon
};

}  // namespace aerostat::agent
