#include <algorithm>

#include "jvm-agent/jvm/chunk_terms.h"
#include "jvm-agent/jvm/chunked_collector.h"
#include "jvm-agent/jvm/cycle_heap.h"
#include "jvm-agent/jvm/heap_reservation.h"

// Shenandoah, JDK 17 and later.
namespace aerostat::agent {
namespace {

using namespace literals;

/// An array of one region exactly shares the rules of ordinary objects and may be evacuated; of two it is humongous.
constexpr std::uint64_t kRegionsAChunk = 2;

/// ShenandoahMinFreeThreshold (10 %) and ShenandoahAllocSpikeFactor (5 %), and something to allocate in.
constexpr double kHeadroom = 0.20;
/// Initial mark, final mark, initial and final update of references.
constexpr std::uint64_t kPausesACycle = 4;

/// Fails: `unsupported` if the description is not plausible.
Result<Bytes> region_size(const HotspotTables& tables) {
    const auto at = tables.static_field("ShenandoahHeapRegion", "RegionSizeBytes");
    if (!at) return fail(ErrorCode::unsupported, "this JVM does not describe its Shenandoah heap");
    const Bytes region(HotspotTables::load<std::size_t>(*at));
    const bool power_of_two = region.count() != 0 && (region.count() & (region.count() - 1)) == 0;
    if (!power_of_two || region < 64_KiB || region > 512_MiB)
        return fail(ErrorCode::unsupported, "this JVM's description of its heap is not plausible");
    return region;
}

bool is_generational(const VmSight& vm) { return vm.flags.text("ShenandoahGCMode") == "generational"; }

/// A soft maximum drives young cycles only, or, below -Xms, none.
bool needs_asking(const VmSight& vm) {
    return is_generational(vm) || vm.flags.bytes("MinHeapSize") >= vm.flags.bytes("MaxHeapSize");
}

/// Why none is asked for; empty: one may be. It is a concurrent cycle of the whole heap, unless the JVM was told to make a
/// full collection of it, but clears all soft references: only where the operator allows that.
std::string why_not_ask(const VmSight& vm) {
    if (vm.flags.is_on("DisableExplicitGC")) return "-XX:+DisableExplicitGC forbids that";
    if (!vm.flags.is_on("ExplicitGCInvokesConcurrent"))
        return "with -XX:-ExplicitGCInvokesConcurrent it would be a full one, which the agent asks no Shenandoah for";
    if (vm.full_gcs_allowed == 0)
        return "the agent's option full-gcs=N would allow N of them within ten minutes (concurrent; they clear soft "
               "references)";
    return {};
}

std::string what_would_help(const VmSight& vm) {
    const std::string why_not = why_not_ask(vm);
    if (!needs_asking(vm) || why_not.empty()) return {};
    return "all that is dead in this heap only a collection that is asked for finds: " + why_not;
}

class ShenandoahCollector final : public ChunkedCollector {
public:
    ShenandoahCollector(const VmSight& vm, std::unique_ptr<CycleHeap> heap, procfs::AddressRange reservation,
                        const CycleHeapTraits& traits)
        : ChunkedCollector(vm), heap_(std::move(heap)), may_ask_(traits.may_ask), would_help_(what_would_help(vm)) {
        settle(judge(vm, reservation, traits.chunk));
    }
    [[nodiscard]] std::string name() const override { return "Shenandoah"; }
    [[nodiscard]] HeapPort& heap() override { return *heap_; }
    [[nodiscard]] LeverRule lever_rule() const override { return may_ask_ ? &plan_asked_cycles : &plan_soft_maximum; }
    [[nodiscard]] std::string would_help() const override { return would_help_; }

private:
    Status judge(const VmSight& vm, procfs::AddressRange reservation, Bytes chunk) {
        if (auto allowed = allowed_as_started(vm.flags); !allowed) return allowed;
        if (vm.flags.text("ShenandoahGCMode") == "passive")
            return fail(ErrorCode::refused, "in its mode passive this collector knows full collections only");
        const auto memory = look_at_memory(vm.flags, {reservation});
        if (!memory) return tl::unexpected(memory.error());
        if (memory->shared) return fail(ErrorCode::unsupported, "the heap is shared memory");
        carry(make_chunks(vm, *memory, {reservation}, chunk, true));
        return {};
    }

    std::unique_ptr<CycleHeap> heap_;
    bool may_ask_;
    std::string would_help_;
};

}  // namespace

Result<std::unique_ptr<Collector>> make_shenandoah(const VmSight& vm) {
    const auto region = region_size(vm.tables);
    if (!region) return tl::unexpected(region.error());
    const auto reservation = find_heap_reservation(vm.tables, vm.flags.bytes("MaxHeapSize"));
    if (!reservation) return tl::unexpected(reservation.error());
    CycleHeapTraits traits;
    traits.chunk = *region * kRegionsAChunk;
    // It uncommits down to the soft maximum, and never goes below -Xms.
    traits.levers_give =
        vm.flags.is_on("ShenandoahUncommit") && vm.flags.bytes("MinHeapSize") < vm.flags.bytes("MaxHeapSize");
    traits.headroom = share_of(vm.flags.bytes("MaxHeapSize"), kHeadroom);
    traits.pauses_a_cycle = kPausesACycle;
    traits.most_pauses = kPausesACycle;
    traits.may_ask = needs_asking(vm) && why_not_ask(vm).empty();
    if (is_generational(vm)) {
        // Young, old and global cycles have the same cause, counters and pauses there; only one that was asked for is sure
        // to be global. Else old garbage would count as alive.
        traits.kind = CollectionKind::generational_cycles;
        traits.most_pauses = 0;
        traits.whole_causes = {"System.gc()", "Diagnostic Command", "JvmtiEnv ForceGarbageCollection"};
    }
    traits.stall_cause = "Allocation Failure";
    traits.measure = [range = *reservation] { return procfs::own_residency(range); };
    auto heap = CycleHeap::make(vm, traits);
    if (!heap) return tl::unexpected(heap.error());
    return std::make_unique<ShenandoahCollector>(vm, std::move(*heap), *reservation, traits);
}

}  // namespace aerostat::agent
