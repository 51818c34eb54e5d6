#include <algorithm>
#include <array>

#include "jvm-agent/decide/old_generation.h"
#include "jvm-agent/jvm/allocation_count.h"
#include "jvm-agent/jvm/chunk_terms.h"
#include "jvm-agent/jvm/chunked_collector.h"
#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "jvm-agent/jvm/refill_reserve.h"
#include "jvm-agent/jvm/runtime_heap.h"

// Parallel and Serial: what is dead in the old generation only a full collection finds, and it moves every object. Chunks
// are slid along and come back, all of them, inside its pause. So these are reported, and beyond that moved as far as the
// operator allows: by full collections (full-gcs), with low free ratios; by chunks in the old generation (refill-reserve).
namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Bytes kUnit = 1_MiB;  ///< sizes are rounded to it where there are no chunks
constexpr std::uint64_t kChunksAHeap = 128;
/// Each is copied once by a young collection, which takes some milliseconds for the largest.
constexpr Bytes kSmallestChunk = 2_MiB, kLargestChunk = 16_MiB;

/// What the two differ in.
struct Kind {
    const char* name;
    bool old_is_first;  ///< the old generation lies below the young one
};

Bytes chunk_of(const HotspotFlags& flags) {
    return std::clamp(round_down(flags.bytes("MaxHeapSize") / kChunksAHeap, kUnit), kSmallestChunk, kLargestChunk);
}

class StopTheWorldHeap final : public HeapPort {
public:
    StopTheWorldHeap(const VmSight& vm, procfs::AddressRange reservation, Bytes unit)
        : reservation_(reservation),
          unit_(unit),
          runtime_(vm.env),
          signals_(*vm.signals),
          reserve_(vm.refill_reserve),
          minimum_(vm.flags.bytes("MinHeapSize")),
          max_(runtime_.max()) {
        const PerfCounters counters = PerfCounters::open(vm.tables);
        young_ = counters.find("sun.gc.collector.0.invocations");
        full_ = counters.find("sun.gc.collector.1.invocations");
        young_time_ = counters.find("sun.gc.collector.0.time");
        full_time_ = counters.find("sun.gc.collector.1.time");
        old_used_ = counters.find("sun.gc.generation.1.space.0.used");
        survived_ = {counters.find("sun.gc.generation.0.space.1.used"), counters.find("sun.gc.generation.0.space.2.used")};
        old_max_ = counters.find("sun.gc.generation.1.maxCapacity");
        old_committed_ = counters.find("sun.gc.generation.1.capacity");
        allocation_ = AllocationCount(counters);
    }

    [[nodiscard]] HeapFacts observe() override {
        HeapFacts facts;
        facts.max = max_;
        facts.minimum = minimum_;
        facts.region = unit_;
        const HeapSizes sizes = runtime_.sizes();
        facts.committed = sizes.committed;
        facts.used = sizes.used;
        facts.pauses = signals_.finished.load(std::memory_order_acquire);
        if (facts.pauses != pauses_) {
            pauses_ = facts.pauses;
            used_after_gc_ = left_by_collection().value_or(facts.used);  // that, with what was allocated since
        }
        facts.used_after_gc = std::min(used_after_gc_, facts.used);
        facts.young_gcs = young_.read().value_or(0);
        facts.full_gcs = full_.read();
        facts.young_time = young_time_.read().value_or(0);
        facts.full_time = full_time_.read().value_or(0);
        facts.old_committed = std::min(Bytes(old_committed_.read().value_or(0)), sizes.committed);
        allocation_.observe(facts.young_gcs + facts.full_gcs.value_or(0), facts.used);
        facts.freed = allocation_.freed();
        facts.kind = CollectionKind::stop_the_world;
        if (holds_chunks_) facts.old = old_generation(facts);
        return facts;
    }
    [[nodiscard]] Result<procfs::Residency> measure_footprint() override { return procfs::own_residency(reservation_); }
    Status collect_fully() override { return runtime_.collect(); }
    [[nodiscard]] bool sees_full_gcs() const { return full_.read().has_value(); }
    /// The old generation at its largest. Zero where the JVM does not tell.
    [[nodiscard]] Bytes old_max() const { return old_used_.read() ? Bytes(old_max_.read().value_or(0)) : Bytes(); }
    void hold_chunks() { holds_chunks_ = true; }

private:
    /// As published by the last collection. One chunk may be born since: those who take off the balloon take it off too.
    [[nodiscard]] std::optional<Bytes> left_by_collection() const {
        const auto old = old_used_.read(), from = survived_[0].read(), to = survived_[1].read();
        if (!old || !from || !to) return std::nullopt;
        return Bytes(*old) + Bytes(*from) + Bytes(*to) + (holds_chunks_ ? unit_ : Bytes());
    }
    [[nodiscard]] OldGeneration old_generation(const HeapFacts& facts) {
        const Bytes used(old_used_.read().value_or(0));
        promotion_.observe(facts.young_gcs, facts.full_gcs.value_or(0), used);
        return {saturating_sub(old_max(), used), promotion_.value(), reserve_.now()};
    }

    procfs::AddressRange reservation_;
    Bytes unit_;
    RuntimeHeap runtime_;
    GcSignals& signals_;
    RefillReserve reserve_;
    Bytes minimum_, max_;
    PerfCounter young_, full_, young_time_, full_time_, old_used_, old_max_, old_committed_;
    std::array<PerfCounter, 2> survived_;
    AllocationCount allocation_;
    PromotionAverage promotion_;
    bool holds_chunks_ = false;
    std::uint64_t pauses_ = 0;
    Bytes used_after_gc_;
};

class StopTheWorldCollector final : public ChunkedCollector {
public:
    StopTheWorldCollector(const VmSight& vm, Kind kind, procfs::AddressRange reservation, Status can_shrink)
        : ChunkedCollector(vm),
          kind_(kind),
          reservation_(reservation),
          unit_(vm.refill_reserve.is_zero() ? kUnit : chunk_of(vm.flags)),
          can_shrink_(std::move(can_shrink)),
          heap_(vm, reservation, unit_) {
        settle(judge(vm));
    }
    [[nodiscard]] std::string name() const override { return kind_.name; }
    [[nodiscard]] HeapPort& heap() override { return heap_; }
    [[nodiscard]] LeverRule lever_rule() const override { return can_shrink_ ? &plan_full_collections : &plan_no_levers; }

private:
    Status judge(const VmSight& vm) {
        auto made =
            vm.refill_reserve.is_zero()
                ? fail_chunks("full collections move every object, chunks too (refill-reserve=SIZE would allow them)")
                : chunks_in_old_generation(vm);
        if (!made && !can_shrink_) return vm.refill_reserve.is_zero() ? can_shrink_ : tl::unexpected(made.error());
        if (!heap_.sees_full_gcs()) return fail(ErrorCode::refused, "full collections cannot be seen (-XX:-UsePerfData)");
        if (auto allowed = allowed_as_started(vm.flags); !allowed) return allowed;
        if (made) heap_.hold_chunks();
        carry(std::move(made));
        return {};
    }
    static Result<std::unique_ptr<SoftChunks>> fail_chunks(std::string why) {
        return fail(ErrorCode::unsupported, std::move(why));
    }
    Result<std::unique_ptr<SoftChunks>> chunks_in_old_generation(const VmSight& vm) {
        const Bytes old = heap_.old_max();
        if (old.is_zero() || old > reservation_.size()) return fail_chunks("this JVM does not tell of its old generation");
        const auto memory = look_at_memory(vm.flags, {reservation_});
        if (!memory) return tl::unexpected(memory.error());
        if (memory->shared) return fail_chunks("the heap is shared memory");
        const procfs::AddressRange range = kind_.old_is_first
                                               ? procfs::AddressRange{reservation_.begin, reservation_.begin + old.count()}
                                               : procfs::AddressRange{reservation_.end - old.count(), reservation_.end};
        return make_chunks(vm, *memory, {reservation_}, unit_, true, range);
    }

    Kind kind_;
    procfs::AddressRange reservation_;
    Bytes unit_;
    Status can_shrink_;
    StopTheWorldHeap heap_;
};

Result<std::unique_ptr<Collector>> make(const VmSight& vm, Kind kind, Status can_shrink) {
    const auto reservation = find_heap_reservation(vm.tables, vm.flags.bytes("MaxHeapSize"));
    if (!reservation) return tl::unexpected(reservation.error());
    if (can_shrink && vm.flags.is_on("DisableExplicitGC"))
        can_shrink = fail(ErrorCode::refused, "DisableExplicitGC forbids the full collections that it would take");
    if (can_shrink && vm.flags.bytes("MinHeapSize") >= vm.flags.bytes("MaxHeapSize"))
        can_shrink =
            fail(ErrorCode::refused,
                 "with -Xms equal to -Xmx the heap keeps its size in full collections (refill-reserve=SIZE would let "
                 "chunks take what is free)");
    return std::make_unique<StopTheWorldCollector>(vm, kind, *reservation, std::move(can_shrink));
}

}  // namespace

Result<std::unique_ptr<Collector>> make_serial(const VmSight& vm) {
    Status can_shrink;
    if (vm.full_gcs_allowed == 0)
        can_shrink =
            fail(ErrorCode::refused,
                 "the Serial collector gives memory back in full collections only, and none is allowed (full-gcs=0)");
    return make(vm, {"Serial", false}, std::move(can_shrink));
}

/// Parallel resizes nothing in full collections that are asked for, unless it is told to at its start.
Result<std::unique_ptr<Collector>> make_parallel(const VmSight& vm) {
    Status can_shrink;
    if (!vm.flags.is_on("UseAdaptiveSizePolicy") || !vm.flags.is_on("UseAdaptiveSizePolicyWithSystemGC"))
        can_shrink = fail(ErrorCode::unsupported,
                          "the Parallel collector gives nothing back in full collections that are asked for, unless it was "
                          "started with -XX:+UseAdaptiveSizePolicyWithSystemGC");
    else if (vm.full_gcs_allowed == 0)
        can_shrink =
            fail(ErrorCode::refused,
                 "the Parallel collector gives memory back in full collections only, and none is allowed (full-gcs=0)");
    return make(vm, {"Parallel", true}, std::move(can_shrink));
}

}  // namespace aerostat::agent
