#include <algorithm>

#include "jvm-agent/jvm/chunk_terms.h"
#include "jvm-agent/jvm/chunked_collector.h"
#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "jvm-agent/jvm/runtime_heap.h"

// G1, JDK 17 and later.
namespace aerostat::agent {
namespace {

using namespace literals;

/// From here on a last-ditch full collection may move humongous arrays (JDK-8191565) and sections pin regions.
constexpr int kHumongousMayMove = 22;
/// Later ones take eden off when a remark sizes the heap (JDK-8314573).
constexpr int kCountsEden = 17;

struct G1Addresses {
    std::uintptr_t used = 0;  ///< bytes in all regions but those now allocated into
    procfs::AddressRange reservation;
    Bytes region;
};

Result<G1Addresses> find_g1(const HotspotTables& tables) {
    const auto reservation = find_heap_reservation(tables, Bytes());
    if (!reservation) return tl::unexpected(reservation.error());
    const auto heap = tables.static_field("Universe", "_collectedHeap");
    const auto used = tables.offset("G1CollectedHeap", "_summary_bytes_used");
    auto grain = tables.static_field("HeapRegion", "GrainBytes");
    if (!grain) grain = tables.static_field("G1HeapRegion", "GrainBytes");  // its name in newer JDKs
    if (!heap || !used || !grain) return fail(ErrorCode::unsupported, "this JVM does not describe its G1 heap");
    const auto object = HotspotTables::load<std::uintptr_t>(*heap);
    return G1Addresses{object + *used, *reservation, Bytes(HotspotTables::load<std::size_t>(*grain))};
}

class G1Heap final : public HeapPort {
public:
    G1Heap(const VmSight& vm, const G1Addresses& at)
        : at_(at),
          runtime_(vm.env),
          signals_(*vm.signals),
          minimum_(vm.flags.bytes("MinHeapSize")),
          max_(runtime_.max()),
          counts_eden_(vm.major_version <= kCountsEden) {
        const PerfCounters counters = PerfCounters::open(vm.tables);
        young_ = counters.find("sun.gc.collector.0.invocations");
        full_ = counters.find("sun.gc.collector.1.invocations");
        cycle_pauses_ = counters.find("sun.gc.collector.2.invocations");
        last_cause_ = counters.find_text("sun.gc.lastCause");
        signals_.cycle_pauses.store(cycle_pauses_.read().value_or(0), std::memory_order_relaxed);
        signals_.cycle_pauses_address.store(cycle_pauses_.address(), std::memory_order_release);
        if (const auto share = vm.flags.read("G1HeapWastePercent")) waste_ = static_cast<double>(share->value) / 100;
        if (const auto ratio = vm.flags.read("GCTimeRatio"); ratio && ratio->value > 0)
            grows_at_pauses_ = 1 / (1 + static_cast<double>(ratio->value));
    }

    [[nodiscard]] HeapFacts observe() override {
        HeapFacts facts;
        facts.max = max_;
        facts.minimum = minimum_;
        facts.region = at_.region;
        const HeapSizes sizes = runtime_.sizes();
        facts.committed = sizes.committed;
        facts.used = sizes.used;
        facts.used_after_gc = Bytes(signals_.used_after.load(std::memory_order_relaxed));
        facts.peak_used = Bytes(signals_.peak_used.exchange(0, std::memory_order_relaxed));
        facts.waste = share_of(facts.committed, std::clamp(waste_, 0.0, 1.0));
        facts.freed = Bytes(signals_.freed.load(std::memory_order_relaxed));
        facts.pauses = signals_.finished.load(std::memory_order_acquire);
        facts.young_gcs = young_.read().value_or(0);
        facts.cycle_pauses = cycle_pauses_.read().value_or(0);
        facts.full_gcs = full_.read();
        facts.was_periodic = last_cause_.equals("G1 Periodic Collection");
        facts.levers_give = facts.committed > minimum_;  // -Xms = -Xmx: nothing can be uncommitted
        facts.stopped = signals_.stopped();
        facts.grows_at_pauses = grows_at_pauses_;
        facts.counts_eden = counts_eden_;
        return facts;
    }

    [[nodiscard]] Result<procfs::Residency> measure_footprint() override { return procfs::own_residency(at_.reservation); }
    [[nodiscard]] Bytes max() const { return max_; }
    [[nodiscard]] bool sees_full_gcs() const { return full_.read().has_value(); }

private:
    G1Addresses at_;
    RuntimeHeap runtime_;
    GcSignals& signals_;
    Bytes minimum_;
    Bytes max_;
    double waste_ = 0;
    double grows_at_pauses_ = 0;
    bool counts_eden_;
    PerfCounter young_, full_, cycle_pauses_;
    PerfText last_cause_;
};

class G1Collector final : public ChunkedCollector {
public:
    G1Collector(const VmSight& vm, const G1Addresses& at) : ChunkedCollector(vm), vm_(vm), at_(at), heap_(vm, at) {
        vm.signals->used_address.store(at.used, std::memory_order_release);
        settle(judge());
    }
    [[nodiscard]] std::string name() const override { return "G1"; }
    [[nodiscard]] HeapPort& heap() override { return heap_; }
    [[nodiscard]] LeverRule lever_rule() const override { return &plan_g1_levers; }

private:
    Status judge() {
        if (auto allowed = allowed_as_started(vm_.flags); !allowed) return allowed;
        if (!heap_.sees_full_gcs()) return fail(ErrorCode::refused, "full collections cannot be seen");
        if (auto plausible = check_description(); !plausible) return plausible;
        const auto memory = look_at_memory(vm_.flags, {at_.reservation});
        if (!memory) return tl::unexpected(memory.error());
        if (memory->shared) return fail(ErrorCode::unsupported, "the heap is shared memory");
        // One region less the header: larger arrays in a fragmented heap make full collections.
        auto made = make_chunks(vm_, *memory, {at_.reservation}, at_.region, vm_.major_version >= kHumongousMayMove);
        // Where -Xms equals -Xmx chunks would have to do it all: without them there is nothing.
        if (!made && vm_.flags.bytes("MinHeapSize") >= heap_.max()) return tl::unexpected(made.error());
        carry(std::move(made));
        return {};
    }

    [[nodiscard]] Status check_description() const {
        const bool power_of_two = (at_.region.count() & (at_.region.count() - 1)) == 0;
        if (at_.reservation.size() < heap_.max() || at_.region < 1_MiB || at_.region > 512_MiB || !power_of_two)
            return fail(ErrorCode::unsupported, "this JVM's description of its heap is not plausible");
        return {};
    }

    VmSight vm_;
    G1Addresses at_;
    G1Heap heap_;
};

}  // namespace

Result<std::unique_ptr<Collector>> make_g1(const VmSight& vm) {
    const auto found = find_g1(vm.tables);
    if (!found) return tl::unexpected(found.error());
    return std::make_unique<G1Collector>(vm, *found);
}

}  // namespace aerostat::agent
