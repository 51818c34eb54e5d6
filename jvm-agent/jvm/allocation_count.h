#pragma once

#include <cstdint>

#include "contract/units.h"
#include "jvm-agent/jvm/perf_counters.h"

namespace aerostat::agent {

/// What collections have freed, for collectors that do not tell it at their pauses: the JVM publishes with each collection
/// how much was allocated since the one before, and what is used then has to tell the rest. Thread: agent thread.
class AllocationCount {
public:
    AllocationCount() = default;
    explicit AllocationCount(const PerfCounters& counters) : words_(counters.find("sun.gc.tlab.alloc")) {}

    /// `collections`: how many there have been; `used`: now. Of several since the last call the newest stands for all.
    void observe(std::uint64_t collections, Bytes used) {
        if (started_ && collections > collections_) {
            const Bytes allocated(words_.read().value_or(0) * kWordBytes * (collections - collections_));
            allocated_ += allocated;
            freed_ += saturating_sub(allocated + used_, used);
        }
        if (!started_ || collections > collections_) used_ = used;
        started_ = true;
        collections_ = collections;
    }
    /// With what is used it tells what was allocated: HeapFacts::freed.
    [[nodiscard]] Bytes freed() const { return freed_; }
    /// Between the collections that were seen.
    [[nodiscard]] Bytes allocated() const { return allocated_; }

private:
    static constexpr std::uint64_t kWordBytes = 8;
    PerfCounter words_;
    bool started_ = false;
    std::uint64_t collections_ = 0;
    Bytes used_;  ///< at the last collection seen
    Bytes freed_, allocated_;
};

}  // namespace aerostat::agent
