#include "jvm-agent/jvm/chunk_terms.h"

#include <unistd.h>

#include <algorithm>

#include "procfs/java_heap_file.h"

namespace aerostat::agent {
namespace {

using namespace literals;

/// Soft references that are cleared at the first opportunity keep no balloon alive.
constexpr std::int64_t kShortestSoftPolicy = 50;
constexpr Bytes kHugePage = 2_MiB;
/// Only whole huge pages strictly inside an array go: of smaller chunks that is nothing, or half.
constexpr Bytes kLeastChunkOfHugePages = 6_MiB;

Status not_pinned(const procfs::Residency& residency) {
    if (!residency.locked.is_zero()) return fail(ErrorCode::denied, "the heap is locked in memory");
    if (residency.kernel_page_size >= kHugePage) return fail(ErrorCode::denied, "the heap is made of huge pages (hugetlb)");
    return {};
}

bool overlap(const procfs::AddressRange& a, const procfs::AddressRange& b) { return a.begin < b.end && b.begin < a.end; }

Status note_mapping(const procfs::Mapping& mapping, HeapMemory& memory) {
    if (mapping.shared && !std::string_view(mapping.path).starts_with(procfs::kJavaHeapFile))
        return fail(ErrorCode::refused, "the heap lies in a file: " + mapping.path);
    if (mapping.shared) memory.shared = true;
    if (!mapping.shared && mapping.inode != 0) memory.file_backed.push_back(mapping.range);
    return {};
}

}  // namespace

Result<HeapMemory> look_at_memory(const HotspotFlags& flags, const std::vector<procfs::AddressRange>& heap) {
    const auto maps = procfs::read_own_maps();
    if (!maps) return tl::unexpected(maps.error());
    HeapMemory memory;
    memory.huge_pages = flags.is_on("UseTransparentHugePages");
    for (const auto& mapping : *maps) {
        const bool of_heap = std::any_of(heap.begin(), heap.end(), [&](const auto& r) { return overlap(r, mapping.range); });
        if (!of_heap) continue;
        if (auto noted = note_mapping(mapping, memory); !noted) return tl::unexpected(noted.error());
    }
    for (const auto& range : heap) {
        const auto residency = procfs::own_residency(range);
        if (!residency) return tl::unexpected(residency.error());
        if (auto plain = not_pinned(*residency); !plain) return tl::unexpected(plain.error());
        if (!residency->anon_huge_pages.is_zero()) memory.huge_pages = true;
    }
    return memory;
}

Status allowed_as_started(const HotspotFlags& flags) {
    if (flags.is_on("AlwaysPreTouch"))
        return fail(ErrorCode::refused, "AlwaysPreTouch asks for a heap without later page faults");
    if (!flags.is_on("UsePerfData"))
        return fail(ErrorCode::refused, "what the collector does cannot be seen (-XX:-UsePerfData)");
    return {};
}

Result<std::unique_ptr<SoftChunks>> make_chunks(const VmSight& vm, const HeapMemory& memory,
                                                std::vector<procfs::AddressRange> heap, Bytes chunk, bool may_move,
                                                std::optional<procfs::AddressRange> settles_in) {
    const auto policy = vm.flags.read("SoftRefLRUPolicyMSPerMB");
    if (!policy || policy->value < kShortestSoftPolicy)
        return fail(ErrorCode::refused, "SoftRefLRUPolicyMSPerMB is too small: soft references are cleared at once");
    // A hole in shared memory splits a huge page; a part of an anonymous one would stay until memory is short.
    const bool whole_huge_pages = memory.huge_pages && !memory.shared;
    if (whole_huge_pages && chunk < kLeastChunkOfHugePages)
        return fail(ErrorCode::refused, "with transparent huge pages and chunks of " + format_bytes(chunk) +
                                            " too little of a chunk could be released");
    const Bytes page = whole_huge_pages ? kHugePage : Bytes(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    const auto* const pauses = settles_in && vm.signals != nullptr ? &vm.signals->finished : nullptr;
    return SoftChunks::make(vm.env,
                            {std::move(heap), memory.file_backed, chunk, page, memory.shared, may_move, settles_in, pauses});
}

}  // namespace aerostat::agent
