#pragma once

#include <jni.h>

#include <memory>
#include <vector>

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// How a chunk's pages may be released: what the collector and the kernel allow in this JVM.
struct ReleaseRules {
    procfs::AddressRange heap;                   ///< the reservation: an address outside it is never released
    std::vector<procfs::AddressRange> not_ours;  ///< file-backed parts of it (archived classes' objects)
    Bytes region;
    Bytes page;                       ///< release in multiples of this (2 MiB with huge pages)
    bool humongous_may_move = false;  ///< JDK 22 and later: release only inside a critical section, in short slices
};

/// Chunks as SoftReferences to long arrays of exactly one region (G1).
///
/// The referent is never loaded except by release_again(): a loaded referent is strong for the collector.
/// Thread: agent thread.
class SoftChunks final : public ChunkPort {
public:
    /// Fails: `unsupported` if SoftReference has not the fields that keep it alive without loading the referent.
    [[nodiscard]] static Result<std::unique_ptr<SoftChunks>> make(JNIEnv* env, const ReleaseRules& rules);

    [[nodiscard]] Bytes chunk_size() const override { return rules_.region; }
    [[nodiscard]] Result<Chunk> inflate() override;
    [[nodiscard]] bool is_cleared(const Chunk& chunk) override;
    void keep_alive(const Chunk& chunk) override;
    void drop(Chunk chunk) override;
    void forget(Chunk chunk) override;
    [[nodiscard]] Bytes resident(const Chunk& chunk) override;
    [[nodiscard]] Result<bool> release_again(const Chunk& chunk) override;

private:
    SoftChunks(JNIEnv* env, const ReleaseRules& rules) : env_(env), rules_(rules) {}
    Status look_up_java();
    [[nodiscard]] Result<procfs::AddressRange> release(jlongArray array);
    [[nodiscard]] Result<procfs::AddressRange> release_outside(jlongArray array);
    [[nodiscard]] Result<procfs::AddressRange> release_inside(jlongArray array);
    [[nodiscard]] tl::unexpected<Error> no_address() const;
    [[nodiscard]] Result<procfs::AddressRange> whole_pages(jlongArray array, const void* payload) const;

    JNIEnv* env_;
    ReleaseRules rules_;
    jclass soft_class_ = nullptr;  // global references, kept for the rest of the process
    jmethodID construct_ = nullptr, refers_to_ = nullptr, clear_ = nullptr, get_ = nullptr;
    jfieldID timestamp_ = nullptr, clock_ = nullptr;
    std::vector<unsigned char> core_map_;
};

}  // namespace aerostat::agent
