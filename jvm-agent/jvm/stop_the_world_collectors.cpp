#include "jvm-agent/jvm/allocation_count.h"
#include "jvm-agent/jvm/chunk_terms.h"
#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/flag_setter.h"
#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/no_chunks.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "jvm-agent/jvm/runtime_heap.h"

// Parallel and Serial: what is dead in the old generation only a full collection finds, and it moves every object. Chunks
// would be slid along and come back, all of them, inside its pause. So these are reported, and beyond that Serial gives
// memory back with full collections, if the operator allows some: with low free ratios it shrinks in a few of them. Parallel
// does not.
namespace aerostat::agent {
namespace {

using namespace literals;

class StopTheWorldHeap final : public HeapPort {
public:
    StopTheWorldHeap(const VmSight& vm, procfs::AddressRange reservation)
        : reservation_(reservation),
          runtime_(vm.env),
          signals_(*vm.signals),
          minimum_(vm.flags.bytes("MinHeapSize")),
          max_(runtime_.max()) {
        const PerfCounters counters = PerfCounters::open(vm.tables);
        young_ = counters.find("sun.gc.collector.0.invocations");
        young_time_ = counters.find("sun.gc.collector.0.time");
        full_time_ = counters.find("sun.gc.collector.1.time");
        full_ = counters.find("sun.gc.collector.1.invocations");
        allocation_ = AllocationCount(counters);
    }

    [[nodiscard]] HeapFacts observe() override {
        HeapFacts facts;
        facts.max = max_;
        facts.minimum = minimum_;
        facts.region = kUnit;
        const HeapSizes sizes = runtime_.sizes();
        facts.committed = sizes.committed;
        facts.used = sizes.used;
        facts.pauses = signals_.finished.load(std::memory_order_acquire);
        if (facts.pauses != pauses_) {
            pauses_ = facts.pauses;
            used_after_gc_ = facts.used;  // with what was allocated since
        }
        facts.used_after_gc = used_after_gc_;
        facts.young_gcs = young_.read().value_or(0);
        facts.full_gcs = full_.read();
        facts.young_time = young_time_.read().value_or(0);
        facts.full_time = full_time_.read().value_or(0);
        allocation_.observe(facts.young_gcs + facts.full_gcs.value_or(0), facts.used);
        facts.freed = allocation_.freed();
        facts.kind = CollectionKind::stop_the_world;
        return facts;
    }
    [[nodiscard]] Result<procfs::Residency> measure_footprint() override { return procfs::own_residency(reservation_); }
    Status collect_fully() override { return runtime_.collect(); }
    [[nodiscard]] bool sees_full_gcs() const { return full_.read().has_value(); }

private:
    static constexpr Bytes kUnit = 1_MiB;  ///< sizes are rounded to it

    procfs::AddressRange reservation_;
    RuntimeHeap runtime_;
    GcSignals& signals_;
    Bytes minimum_, max_;
    PerfCounter young_, full_, young_time_, full_time_;
    AllocationCount allocation_;
    std::uint64_t pauses_ = 0;
    Bytes used_after_gc_;
};

class StopTheWorldCollector final : public Collector {
public:
    StopTheWorldCollector(const VmSight& vm, std::string name, procfs::AddressRange reservation, Status can_shrink)
        : name_(std::move(name)), heap_(vm, reservation), flags_(vm.env, vm.flags), verdict_(std::move(can_shrink)) {
        if (!verdict_) return;
        if (!heap_.sees_full_gcs())
            verdict_ = fail(ErrorCode::refused, "full collections cannot be seen (-XX:-UsePerfData)");
        if (auto allowed = allowed_as_started(vm.flags); !allowed) verdict_ = allowed;
        if (vm.flags.is_on("DisableExplicitGC"))
            verdict_ = fail(ErrorCode::refused, "DisableExplicitGC forbids the full collections that it would take");
    }
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] Status can_balloon() override { return verdict_; }
    [[nodiscard]] Status can_hold_chunks() override {
        if (!verdict_) return verdict_;
        return fail(ErrorCode::unsupported, "full collections move every object, chunks too");
    }
    [[nodiscard]] HeapPort& heap() override { return heap_; }
    [[nodiscard]] ChunkPort& chunks() override { return no_chunks_; }
    [[nodiscard]] FlagPort& flags() override { return flags_; }
    [[nodiscard]] LeverRule lever_rule() const override { return verdict_ ? &plan_full_collections : &plan_no_levers; }

private:
    std::string name_;
    StopTheWorldHeap heap_;
    FlagSetter flags_;
    NoChunks no_chunks_;
    Status verdict_;
};

Result<std::unique_ptr<Collector>> make(const VmSight& vm, std::string name, Status can_shrink) {
    const auto reservation = find_heap_reservation(vm.tables, vm.flags.bytes("MaxHeapSize"));
    if (!reservation) return tl::unexpected(reservation.error());
    return std::make_unique<StopTheWorldCollector>(vm, std::move(name), *reservation, std::move(can_shrink));
}

}  // namespace

Result<std::unique_ptr<Collector>> make_serial(const VmSight& vm) {
    Status can_shrink;
    if (vm.full_gcs_allowed == 0)
        can_shrink =
            fail(ErrorCode::refused,
                 "the Serial collector gives memory back in full collections only, and none is allowed (full-gcs=0)");
    return make(vm, "Serial", std::move(can_shrink));
}

Result<std::unique_ptr<Collector>> make_parallel(const VmSight& vm) {
    return make(vm, "Parallel",
                fail(ErrorCode::unsupported, "the Parallel collector gives nothing back, not even in full collections"));
}

}  // namespace aerostat::agent
