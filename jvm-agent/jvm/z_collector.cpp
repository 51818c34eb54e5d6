#include <unistd.h>

#include <algorithm>
#include <bit>

#include "jvm-agent/jvm/chunk_terms.h"
#include "jvm-agent/jvm/chunked_collector.h"
#include "jvm-agent/jvm/cycle_heap.h"
#include "procfs/java_heap_file.h"

// ZGC, JDK 17 and later, with and without generations.
//
// Its heap is a memfd, mapped shared (before generations at three addresses). Pages go by punching holes, and what is
// resident are the blocks of the file, which fstat tells at no cost.
namespace aerostat::agent {
namespace {

using namespace literals;

constexpr Bytes kGranule = 2_MiB;
/// An eighth of a medium page is the largest object that is not given a page of its own (zGlobals.hpp, zHeuristics.cpp).
constexpr std::uint64_t kObjectsInMediumPage = 8;
constexpr Bytes kLargestMediumPage = 32_MiB;
constexpr double kMediumPageOfHeap = 0.03125;
constexpr std::int64_t kMostWorkers = 256;
/// A cycle starts when no more than 5 % of the soft maximum are free, a medium page and a small page for each worker not
/// counted (zDirector.cpp, zHeuristics.cpp: relocation headroom). Something to allocate in comes on top.
constexpr double kHeadroom = 0.08;
/// A delay as long as that is too long for an order to wait for.
constexpr std::int64_t kLongestDelay = 10;
constexpr int kFirstByHalves = 25;
constexpr int kHalvings = 4;  ///< of which a sixteenth is left
/// Generations came with JDK 21 as an option, and have been all there is since 24.
constexpr std::uint64_t kPausesACycle = 3;  ///< mark start, mark end, relocate start
constexpr int kFirstWithGenerations = 21;
constexpr int kAlwaysGenerations = 24;

Bytes medium_page(Bytes max_heap) {
    const auto medium = std::min(Bytes(std::bit_floor(share_of(max_heap, kMediumPageOfHeap).count())), kLargestMediumPage);
    return medium > kGranule ? medium : Bytes();
}

/// The least array that has a page of its own: such pages are never moved or shared.
Bytes chunk_size(Bytes max_heap) { return round_up(medium_page(max_heap) / kObjectsInMediumPage + 1_B, kGranule); }

Bytes headroom(Bytes max_heap, const HotspotFlags& flags) {
    const auto workers = flags.read("ConcGCThreads");
    const auto count = static_cast<std::uint64_t>(std::clamp<std::int64_t>(workers ? workers->value : 1, 1, kMostWorkers));
    return share_of(max_heap, kHeadroom) + medium_page(max_heap) + kGranule * count;
}

/// What lies in its cache for ZUncommitDelay seconds goes back by itself, since JDK 25 half of it each time
/// (zUncommitter.cpp); and what is in the cache is taken before the heap is made larger.
Duration gives_back_after(const VmSight& vm) {
    const auto delay = vm.flags.read("ZUncommitDelay");
    if (!vm.flags.is_on("ZUncommit") || !delay || delay->value > kLongestDelay) return {};
    return std::chrono::seconds(std::max<std::int64_t>(1, delay->value)) *
           (vm.major_version < kFirstByHalves ? 1 : kHalvings);
}

/// All of the heap's memory counts, at however many addresses it is mapped.
Result<procfs::Residency> measure_file(const std::string& path) {
    const auto blocks = procfs::file_blocks(path);
    if (!blocks) return tl::unexpected(blocks.error());
    procfs::Residency residency;
    residency.rss = residency.pss = *blocks;
    return residency;
}

/// Address space that belongs to the heap: its mappings, joined with the reserved space they grow into.
Result<std::vector<procfs::AddressRange>> find_heap_ranges() {
    const auto maps = procfs::read_own_maps();
    if (!maps) return tl::unexpected(maps.error());
    std::vector<procfs::AddressRange> ranges;
    bool of_heap = false;
    for (const auto& mapping : *maps) {
        const bool is_file = mapping.shared && std::string_view(mapping.path).starts_with(procfs::kJavaHeapFile);
        const bool is_reserve = !mapping.readable && !mapping.writable && mapping.inode == 0 && mapping.path.empty();
        const bool joins = !ranges.empty() && ranges.back().end == mapping.range.begin;
        of_heap = is_file || (is_reserve && joins && of_heap);
        if (!of_heap) continue;
        if (joins)
            ranges.back().end = mapping.range.end;
        else
            ranges.push_back(mapping.range);
    }
    if (ranges.empty()) return fail(ErrorCode::unsupported, "the mappings of the ZGC heap were not found");
    return ranges;
}

class ZCollector final : public ChunkedCollector {
public:
    ZCollector(const VmSight& vm, std::unique_ptr<CycleHeap> heap, std::vector<procfs::AddressRange> ranges, Bytes chunk)
        : ChunkedCollector(vm), heap_(std::move(heap)) {
        settle(judge(vm, std::move(ranges), chunk));
    }
    [[nodiscard]] std::string name() const override { return "Z"; }
    [[nodiscard]] HeapPort& heap() override { return *heap_; }
    [[nodiscard]] LeverRule lever_rule() const override { return &plan_soft_maximum; }

private:
    Status judge(const VmSight& vm, std::vector<procfs::AddressRange> ranges, Bytes chunk) {
        if (auto allowed = allowed_as_started(vm.flags); !allowed) return allowed;
        const auto memory = look_at_memory(vm.flags, ranges);
        if (!memory) return tl::unexpected(memory.error());
        // Its own page keeps an array where it is, but nothing of that is promised: address and release in one section.
        auto made = make_chunks(vm, *memory, std::move(ranges), chunk, true);
        if (!made) return tl::unexpected(made.error());  // the soft maximum alone gives no page back
        carry(std::move(made));
        return {};
    }

    std::unique_ptr<CycleHeap> heap_;
};

}  // namespace

Result<std::unique_ptr<Collector>> make_z(const VmSight& vm) {
    const auto file = procfs::find_java_heap_file(getpid());
    if (!file) return tl::unexpected(file.error());
    auto ranges = find_heap_ranges();
    if (!ranges) return tl::unexpected(ranges.error());
    const bool generations = vm.major_version >= kAlwaysGenerations ||
                             (vm.major_version >= kFirstWithGenerations && vm.flags.is_on("ZGenerational"));
    const Bytes max_heap = vm.flags.bytes("MaxHeapSize");
    const Bytes chunk = chunk_size(max_heap);
    CycleHeapTraits traits;
    traits.kind = generations ? CollectionKind::generational_cycles : CollectionKind::whole_heap_cycles;
    traits.chunk = chunk;
    traits.whole_pauses = generations ? "sun.gc.collector.2.invocations" : "";
    traits.most_pauses = kPausesACycle;  // young ones have as many; more pauses of an old one only make it seem younger
    traits.stall_cause = "Allocation Stall";
    traits.headroom = headroom(max_heap, vm.flags);
    traits.headroom_share = kHeadroom;
    traits.gives_back_after = gives_back_after(vm);
    traits.is_shared = true;
    traits.measure = [path = *file] { return measure_file(path); };
    auto heap = CycleHeap::make(vm, std::move(traits));
    if (!heap) return tl::unexpected(heap.error());
    return std::make_unique<ZCollector>(vm, std::move(*heap), std::move(*ranges), chunk);
}

}  // namespace aerostat::agent
