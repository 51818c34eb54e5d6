#include <unistd.h>

#include <algorithm>

#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/flag_setter.h"
#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/no_chunks.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "jvm-agent/jvm/runtime_heap.h"
#include "jvm-agent/jvm/soft_chunks.h"

// G1, JDK 17 and later.
namespace aerostat::agent {
namespace {

using namespace literals;

/// From here on a last-ditch full collection may move humongous arrays (JDK-8191565) and sections pin regions.
constexpr int kHumongousMayMove = 22;
/// Soft references that are cleared at the first opportunity keep no balloon alive.
constexpr std::int64_t kShortestSoftPolicy = 50;
constexpr Bytes kHugePage = 2_MiB;
/// Only whole huge pages strictly inside an array go: of smaller regions that is nothing, or half.
constexpr Bytes kLeastRegionOfHugePages = 8_MiB;

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
        : at_(at), runtime_(vm.env), signals_(*vm.signals), minimum_(vm.flags.bytes("MinHeapSize")), max_(runtime_.max()) {
        const PerfCounters counters = PerfCounters::open(vm.tables);
        young_ = counters.find("sun.gc.collector.0.invocations");
        full_ = counters.find("sun.gc.collector.1.invocations");
        cycle_pauses_ = counters.find("sun.gc.collector.2.invocations");
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
        facts.freed = Bytes(signals_.freed.load(std::memory_order_relaxed));
        facts.pauses = signals_.finished.load(std::memory_order_acquire);
        facts.young_gcs = young_.read().value_or(0);
        facts.cycle_pauses = cycle_pauses_.read().value_or(0);
        facts.full_gcs = full_.read();
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
    PerfCounter young_, full_, cycle_pauses_;
};

class G1Collector final : public Collector {
public:
    G1Collector(const VmSight& vm, const G1Addresses& at) : vm_(vm), at_(at), heap_(vm, at), flags_(vm.env, vm.flags) {
        vm.signals->used_address.store(at.used, std::memory_order_release);
        verdict_ = judge();
    }
    [[nodiscard]] std::string name() const override { return "G1"; }
    [[nodiscard]] Status can_balloon() override { return verdict_; }
    [[nodiscard]] Status can_hold_chunks() override { return verdict_ ? chunks_verdict_ : verdict_; }
    [[nodiscard]] HeapPort& heap() override { return heap_; }
    [[nodiscard]] ChunkPort& chunks() override {
        if (chunks_) return *chunks_;
        return no_chunks_;
    }
    [[nodiscard]] FlagPort& flags() override { return flags_; }

private:
    Status judge() {
        if (auto started = as_started(); !started) return started;
        if (auto plain = plain_memory(); !plain) return plain;
        chunks_verdict_ = chunks_would_hold();
        // Where -Xms equals -Xmx chunks would have to do it all: without them there is nothing.
        if (!chunks_verdict_) return vm_.flags.bytes("MinHeapSize") >= heap_.max() ? chunks_verdict_ : Status();
        return make_chunks();
    }

    Status chunks_would_hold() {
        const auto policy = vm_.flags.read("SoftRefLRUPolicyMSPerMB");
        if (!policy || policy->value < kShortestSoftPolicy)
            return fail(ErrorCode::refused, "SoftRefLRUPolicyMSPerMB is too small: soft references are cleared at once");
        const auto page = releasable_page();
        return page ? Status() : tl::unexpected(page.error());
    }

    Status make_chunks() {
        const auto page = releasable_page();
        if (!page) return tl::unexpected(page.error());
        auto archived = file_backed_parts();
        if (!archived) return tl::unexpected(archived.error());
        auto made = SoftChunks::make(
            vm_.env, {at_.reservation, std::move(*archived), at_.region, *page, vm_.major_version >= kHumongousMayMove});
        if (!made) return tl::unexpected(made.error());
        chunks_ = std::move(*made);
        return {};
    }

    /// What the operator asked of this JVM that a balloon would contradict.
    Status as_started() {
        if (vm_.flags.is_on("AlwaysPreTouch"))
            return fail(ErrorCode::refused, "AlwaysPreTouch asks for a heap without later page faults");
        if (!heap_.sees_full_gcs()) return fail(ErrorCode::refused, "full collections cannot be seen (-XX:-UsePerfData)");
        return {};
    }

    /// Cross-checks the reservation against the kernel's books.
    Status plain_memory() {
        const Bytes size = at_.reservation.size();
        const bool power_of_two = (at_.region.count() & (at_.region.count() - 1)) == 0;
        if (size < heap_.max() || at_.region < 1_MiB || at_.region > 512_MiB || !power_of_two)
            return fail(ErrorCode::unsupported, "this JVM's description of its heap is not plausible");
        const auto residency = heap_.measure_footprint();
        if (!residency) return tl::unexpected(residency.error());
        if (!residency->locked.is_zero()) return fail(ErrorCode::refused, "the heap is locked in memory");
        if (residency->kernel_page_size >= kHugePage)
            return fail(ErrorCode::refused, "the heap is made of huge pages (hugetlb)");
        has_huge_pages_ = vm_.flags.is_on("UseTransparentHugePages") || !residency->anon_huge_pages.is_zero();
        return {};
    }

    /// The unit in which a chunk's pages go.
    [[nodiscard]] Result<Bytes> releasable_page() const {
        if (has_huge_pages_ && at_.region < kLeastRegionOfHugePages)
            return fail(ErrorCode::refused, "with transparent huge pages and regions of " + format_bytes(at_.region) +
                                                " too little of a chunk could be released");
        return has_huge_pages_ ? kHugePage : Bytes(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    }

    /// Objects of the class-data archive are mapped into the heap from their file; all else must be anonymous and private.
    Result<std::vector<procfs::AddressRange>> file_backed_parts() {
        const auto maps = procfs::read_own_maps();
        if (!maps) return tl::unexpected(maps.error());
        std::vector<procfs::AddressRange> parts;
        for (const auto& mapping : *maps) {
            if (mapping.range.end <= at_.reservation.begin || mapping.range.begin >= at_.reservation.end) continue;
            if (mapping.shared) return fail(ErrorCode::unsupported, "the heap is shared memory");
            if (mapping.inode != 0) parts.push_back(mapping.range);
        }
        return parts;
    }

    VmSight vm_;
    G1Addresses at_;
    G1Heap heap_;
    FlagSetter flags_;
    std::unique_ptr<SoftChunks> chunks_;
    NoChunks no_chunks_;
    bool has_huge_pages_ = false;
    Status verdict_;
    Status chunks_verdict_;
};

}  // namespace

Result<std::unique_ptr<Collector>> make_g1(const VmSight& vm) {
    const auto found = find_g1(vm.tables);
    if (!found) return tl::unexpected(found.error());
    return std::make_unique<G1Collector>(vm, *found);
}

}  // namespace aerostat::agent
