#pragma once

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"
#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// Rates out of counters: how fast the program allocates, how busy the collector and the agent are.
/// Averages over about two seconds; the usual GC load is an average over minutes, of times without a balloon.
/// Thread: agent thread.
class LoadMeter {
public:
    struct Counters {
        HeapFacts heap;
        Bytes inflated;  ///< by the balloon, in all: not the program's allocation
        GcCpuPort::Used gc;
        Duration own_cpu{};
        Bytes refilled;  ///< pages that came back and were released again, in all
        bool balloon_held = false;
    };

    /// Ignored if the last sample is younger than a tenth of a second.
    void sample(const Counters& now_at, TimePoint now);

    [[nodiscard]] double alloc_bytes_per_s() const { return alloc_; }
    [[nodiscard]] double agent_cpu() const { return agent_; }
    [[nodiscard]] double refill_bytes_per_s() const { return refill_; }
    [[nodiscard]] GcLoad gc() const { return gc_; }
    /// Concurrent GC threads have worked since the sample before: a cycle may be running.
    [[nodiscard]] bool marking() const { return marking_; }

private:
    bool started_ = false;
    TimePoint at_{};
    Counters last_;
    double alloc_ = 0, agent_ = 0, refill_ = 0;
    GcLoad gc_;
    bool marking_ = true;
};

}  // namespace aerostat::agent
