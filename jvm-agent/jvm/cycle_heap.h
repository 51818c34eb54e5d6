#pragma once

#include <functional>
#include <vector>

#include "jvm-agent/jvm/allocation_count.h"
#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "jvm-agent/jvm/runtime_heap.h"

namespace aerostat::agent {

/// What a collector of concurrent cycles differs in from the next one.
struct CycleHeapTraits {
    CollectionKind kind = CollectionKind::whole_heap_cycles;
    bool levers_give = false;       ///< HeapFacts::levers_give
    Bytes chunk;                    ///< heap bytes one chunk takes
    const char* whole_pauses = "";  ///< counter that moves when a cycle sees the whole heap; empty: there is none
    /// Without such a counter: the causes, as the JVM names them, of the cycles that are sure to see the whole heap. Empty:
    /// every cycle does.
    std::vector<const char*> whole_causes;
    std::uint64_t pauses_a_cycle =
        0;  ///< where cycles are not counted (CollectedHeap): at most so many pauses make one; else 0
    /// Of the newest cycle so many pauses are looked back on to date it; 0: it cannot be dated.
    std::uint64_t most_pauses = 0;
    const char* stall_cause = "";  ///< as the JVM names a collection that the program had to wait for
    Bytes headroom;                ///< HeapFacts::headroom
    double headroom_share = 0;     ///< HeapFacts::headroom_share
    Duration gives_back_after{};   ///< HeapFacts::gives_back_after
    bool may_ask = false;          ///< collect_fully() runs a concurrent cycle of the whole heap here, and is allowed
    bool is_shared = false;        ///< HeapPort::is_shared()
    std::function<Result<procfs::Residency>()> measure;
};

/// Figures of a heap whose collector works in concurrent cycles (ZGC, Shenandoah): counted by CollectedHeap, told apart by
/// the cause that the JVM publishes while it collects.
/// Thread: agent thread.
class CycleHeap final : public HeapPort {
public:
    /// Fails: `unsupported` if this JVM does not tell what is needed.
    [[nodiscard]] static Result<std::unique_ptr<CycleHeap>> make(const VmSight& vm, CycleHeapTraits traits);

    [[nodiscard]] HeapFacts observe() override;
    [[nodiscard]] Result<procfs::Residency> measure_footprint() override { return traits_.measure(); }
    Status collect_fully() override { return traits_.may_ask ? runtime_.collect() : HeapPort::collect_fully(); }
    [[nodiscard]] bool is_shared() const override { return traits_.is_shared; }
    [[nodiscard]] Bytes max() const { return max_; }

private:
    CycleHeap(const VmSight& vm, CycleHeapTraits traits);
    void follow_cycles(HeapFacts& facts);
    [[nodiscard]] std::uint64_t cycles_by_pauses(std::uint64_t pauses, bool collecting);
    void date_cycle(HeapFacts& facts, std::uint64_t pauses);
    [[nodiscard]] std::uint64_t whole_among(std::uint64_t cycles) const;

    CycleHeapTraits traits_;
    RuntimeHeap runtime_;
    GcSignals& signals_;
    Bytes minimum_, max_;
    std::uintptr_t collections_at_ = 0;  ///< CollectedHeap::_total_collections of the heap
    PerfText cause_, last_cause_;
    PerfCounter whole_pauses_;
    AllocationCount allocation_;
    bool started_ = false;
    bool in_cycle_ = false;
    std::uint64_t cycles_ = 0, cycle_from_ = 0;
    std::uint64_t completed_ = 0, stalls_ = 0, stalled_at_ = 0;
    std::uint64_t over_ = 0;  ///< cycles of any kind; with whole_pauses, those that it counts
    std::uint64_t whole_pauses_seen_ = 0, whole_gcs_ = 0;
    std::uint64_t dated_ = 0, pauses_at_rest_ = 0;
    std::uint64_t first_pause_ = 0;  ///< of the newest cycle
};

}  // namespace aerostat::agent
