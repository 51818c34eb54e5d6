#pragma once

#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// The balloon of a JVM that must not have one.
class NoChunks final : public ChunkPort {
public:
    [[nodiscard]] Bytes chunk_size() const override { return Bytes(); }
    [[nodiscard]] Result<Chunk> inflate() override { return fail(ErrorCode::unsupported, "no balloon here"); }
    [[nodiscard]] bool is_cleared(const Chunk&) override { return true; }
    void keep_alive(const Chunk&) override {}
    void drop(Chunk) override {}
    void forget(Chunk) override {}
    [[nodiscard]] Bytes resident(const Chunk&) override { return Bytes(); }
    [[nodiscard]] Result<bool> release_again(Chunk&) override { return false; }
};

}  // namespace aerostat::agent
