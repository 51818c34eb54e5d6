#pragma once

#include <cstdint>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// Tells when collections are of the agent's making: while it drives the collector or makes chunks, and after that until
/// the cycle that this began has ended and, with G1, the first mixed collections that it makes possible are over. A program
/// that collects all the time by itself is not taken for ours for longer than five seconds, one at rest for three. Thread:
/// owner's.
class OwnCollections {
public:
    /// To be told often. `causing`: the agent makes collections run at this moment; `marking`: concurrent GC threads have
    /// worked of late.
    void observe(bool causing, bool marking, const HeapFacts& heap, TimePoint now);
    /// Collections were ours at some time since the last call.
    [[nodiscard]] bool take();

private:
    [[nodiscard]] bool goes_on(bool marking, const HeapFacts& heap, TimePoint now);

    bool ours_ = false, seen_ = false;
    bool cycle_ = false;  ///< one was seen since `ours_`
    TimePoint caused_at_{}, collected_at_{};
    std::uint64_t cycle_pauses_ = 0, young_gcs_ = 0;  ///< at the last sign of a cycle
    std::uint64_t last_young_ = 0;
};

}  // namespace aerostat::agent
