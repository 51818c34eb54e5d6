#pragma once

#include <optional>
#include <string_view>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"
#include "jvm-agent/decide/lever_plan.h"
#include "procfs/smaps.h"

// What the agent's logic needs of a JVM, as ports: the adapters of this folder implement them with JNI, tests with fakes.
// All are called on the agent thread only.
namespace aerostat::agent {

/// A large array of the application's own heap, held by a SoftReference only, whose pages have been given to the kernel.
struct Chunk {
    void* soft_reference = nullptr;  ///< owned by whoever holds the Chunk; ended by drop() or forget()
    procfs::AddressRange pages;      ///< whole pages strictly inside the array
};

/// Port to the arrays that make up the balloon.
class ChunkPort {
public:
    virtual ~ChunkPort() = default;
    /// Heap bytes one chunk takes.
    [[nodiscard]] virtual Bytes chunk_size() const = 0;
    /// Allocates one and releases its pages. Fails: `refused` (the JVM could not allocate it: the caller must stop),
    /// `unsupported` (its address or mapping cannot be trusted: no balloon in this JVM), `io` (madvise).
    [[nodiscard]] virtual Result<Chunk> inflate() = 0;
    /// The collector has taken it. Keeps nothing alive.
    [[nodiscard]] virtual bool is_cleared(const Chunk& chunk) = 0;
    /// Makes it young in the eyes of the soft-reference policy, without touching the referent.
    virtual void keep_alive(const Chunk& chunk) = 0;
    /// Gives it back to the collector: free at the next young collection.
    virtual void drop(Chunk chunk) = 0;
    /// Ends the handle of a cleared chunk.
    virtual void forget(Chunk chunk) = 0;
    /// Bytes of it that are in memory. A hint: the kernel counts its zero page.
    [[nodiscard]] virtual Bytes resident(const Chunk& chunk) = 0;
    /// Releases its pages once more and learns where it lies now. Takes a strong handle for that moment: not while a
    /// concurrent cycle runs. False: it was cleared meanwhile, nothing was touched.
    [[nodiscard]] virtual Result<bool> release_again(Chunk& chunk) = 0;
    /// Young collections leave it where it was last seen. If not, it has to be released again after they have moved it.
    [[nodiscard]] virtual bool is_settled(const Chunk&) { return true; }
};

/// Port to the collector's view of its heap and to the kernel's.
class HeapPort {
public:
    virtual ~HeapPort() = default;
    /// Cheap: a few loads and one JNI call.
    [[nodiscard]] virtual HeapFacts observe() = 0;
    /// Costly: a walk of the heap's page tables (about 20 ms for 4 GiB).
    [[nodiscard]] virtual Result<procfs::Residency> measure_footprint() = 0;
    /// One collection of the whole heap, in this call. It stops the program, or (CycleHeapTraits::may_ask) is concurrent and
    /// clears all soft references. Fails: `unsupported`.
    virtual Status collect_fully() { return fail(ErrorCode::unsupported, "this collector needs no full collections"); }
    /// The heap is shared memory, which the kernel counts apart from the rest of the process (ZGC).
    [[nodiscard]] virtual bool is_shared() const { return false; }
};

/// Port to the JVM's manageable flags.
class FlagPort {
public:
    virtual ~FlagPort() = default;
    /// Absent for a flag that this JVM does not have.
    [[nodiscard]] virtual std::optional<FlagState> read(std::string_view name) = 0;
    /// The first call loads a few Java classes. Fails: `refused` with the JVM's own words, `unsupported`.
    virtual Status set(const FlagSetting& setting) = 0;
};

/// Port to the CPU the collector's threads have used.
class GcCpuPort {
public:
    virtual ~GcCpuPort() = default;
    struct Used {
        Duration all{};         ///< every GC thread, the VM thread too
        Duration concurrent{};  ///< of it, threads that mark while the program runs
    };
    [[nodiscard]] virtual Used used() = 0;
};

}  // namespace aerostat::agent
