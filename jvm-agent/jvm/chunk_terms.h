#pragma once

#include <optional>
#include <vector>

#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/soft_chunks.h"

// On which terms a JVM, as it was started and as its heap is made, may carry chunks: the same for every collector.
namespace aerostat::agent {

/// What kind of memory a heap is made of: found in the kernel's books, not concluded from the collector's name.
struct HeapMemory {
    bool shared = false;                            ///< ZGC: a memfd, mapped shared
    bool huge_pages = false;                        ///< transparent ones
    std::vector<procfs::AddressRange> file_backed;  ///< parts mapped from the class-data archive
};

/// `heap`: whole mappings, such as reservations. Fails: `denied` (locked in memory, hugetlb: the kernel would keep the
/// pages), `refused` (in a file of its own: they are the file's), `unsupported`, `io`.
[[nodiscard]] Result<HeapMemory> look_at_memory(const HotspotFlags& flags, const std::vector<procfs::AddressRange>& heap);

/// Fails: `refused` if what the operator asked of this JVM contradicts a balloon (AlwaysPreTouch), or what a balloon needs
/// to see is switched off (UsePerfData).
[[nodiscard]] Status allowed_as_started(const HotspotFlags& flags);

/// Makes the port. `may_move`, `settles_in`: as ReleaseRules. Fails: `refused` (soft references are cleared at once; with
/// huge pages too little of a chunk could be released), `unsupported`.
[[nodiscard]] Result<std::unique_ptr<SoftChunks>> make_chunks(const VmSight& vm, const HeapMemory& memory,
                                                              std::vector<procfs::AddressRange> heap, Bytes chunk,
                                                              bool may_move,
                                                              std::optional<procfs::AddressRange> settles_in = {});

}  // namespace aerostat::agent
