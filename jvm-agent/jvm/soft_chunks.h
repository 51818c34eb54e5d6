#pragma once

#include <jni.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// How a chunk's pages may be released: what the collector and the kernel allow in this JVM.
struct ReleaseRules {
    std::vector<procfs::AddressRange> heap;      ///< an address outside of these is never released
    std::vector<procfs::AddressRange> not_ours;  ///< file-backed parts of it (archived classes' objects)
    Bytes chunk;                                 ///< heap bytes one chunk takes
    Bytes page;                                  ///< release in multiples of this (2 MiB with huge pages)
    bool shared = false;    ///< the heap is shared memory (ZGC): MADV_DONTNEED would free nothing, MADV_REMOVE punches holes
    bool may_move = false;  ///< release only inside a critical section, in short slices; else only the address is read there
    /// Young collections leave a chunk alone once it lies here. Then sections may not follow one another: each chunk has
    /// one.
    std::optional<procfs::AddressRange> settles_in{};
    /// With settles_in: counts pauses that are over. A section must not follow on a collection that the allocation caused.
    const std::atomic<std::uint64_t>* pauses = nullptr;
};

/// Chunks as SoftReferences to long arrays.
///
/// The referent is never loaded except by release_again(): a loaded referent is strong for the collector.
/// Thread: agent thread.
class SoftChunks final : public ChunkPort {
public:
    /// Fails: `unsupported` if SoftReference has not the fields that keep it alive without loading the referent.
    [[nodiscard]] static Result<std::unique_ptr<SoftChunks>> make(JNIEnv* env, ReleaseRules rules);

    [[nodiscard]] Bytes chunk_size() const override { return rules_.chunk; }
    [[nodiscard]] Result<Chunk> inflate() override;
    [[nodiscard]] bool is_cleared(const Chunk& chunk) override;
    void keep_alive(const Chunk& chunk) override;
    void drop(Chunk chunk) override;
    void forget(Chunk chunk) override;
    [[nodiscard]] Bytes resident(const Chunk& chunk) override;
    [[nodiscard]] Result<bool> release_again(Chunk& chunk) override;
    [[nodiscard]] bool is_settled(const Chunk& chunk) override;

private:
    SoftChunks(JNIEnv* env, ReleaseRules rules) : env_(env), rules_(std::move(rules)) {}
    Status look_up_java();
    [[nodiscard]] Result<procfs::AddressRange> release(jlongArray array);
    [[nodiscard]] Result<procfs::AddressRange> release_outside(jlongArray array);
    [[nodiscard]] Result<procfs::AddressRange> release_inside(jlongArray array);
    [[nodiscard]] tl::unexpected<Error> no_address() const;
    [[nodiscard]] Status madvise_away(procfs::AddressRange range) const;
    [[nodiscard]] Result<procfs::AddressRange> whole_pages(Bytes length, const void* payload) const;
    [[nodiscard]] Bytes bytes_of(jlongArray array) const;
    [[nodiscard]] bool is_heap(procfs::AddressRange range) const;
    [[nodiscard]] bool is_ours(procfs::AddressRange range) const;
    [[nodiscard]] std::uint64_t pauses() const { return rules_.pauses == nullptr ? 0 : rules_.pauses->load(); }
    void fault_in_next();
    void follow_row(procfs::AddressRange pages);

    /// Chunks that came to lie one beside the other.
    struct Row {
        procfs::AddressRange last;
        std::uintptr_t step = 0;  ///< from each to the next; wraps around where they come from above
        int length = 0;           ///< of equal steps
    };

    JNIEnv* env_;
    ReleaseRules rules_;
    Row row_;
    jclass soft_class_ = nullptr;  // global references, kept for the rest of the process
    jmethodID construct_ = nullptr, refers_to_ = nullptr, clear_ = nullptr, get_ = nullptr;
    jfieldID timestamp_ = nullptr, clock_ = nullptr;
    std::vector<unsigned char> core_map_;
};

}  // namespace aerostat::agent
