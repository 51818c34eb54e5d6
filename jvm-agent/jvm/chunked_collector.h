#pragma once

#include <memory>
#include <utility>

#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/flag_setter.h"
#include "jvm-agent/jvm/no_chunks.h"
#include "jvm-agent/jvm/soft_chunks.h"

namespace aerostat::agent {

/// A collector that can be moved with chunks, with its own levers, or, as this JVM was started, with neither.
class ChunkedCollector : public Collector {
public:
    [[nodiscard]] Status can_balloon() override { return verdict_; }
    [[nodiscard]] Status can_hold_chunks() override { return verdict_ ? chunks_verdict_ : verdict_; }
    [[nodiscard]] ChunkPort& chunks() override {
        if (chunks_) return *chunks_;
        return no_chunks_;
    }
    [[nodiscard]] FlagPort& flags() override { return flags_; }

protected:
    explicit ChunkedCollector(const VmSight& vm) : flags_(vm.env, vm.flags, vm.g1_hold == G1Hold::size) {}

    /// Whether it may be moved at all.
    void settle(Status verdict) { verdict_ = std::move(verdict); }
    /// With chunks, or why not: then there are only the levers.
    void carry(Result<std::unique_ptr<SoftChunks>> made) {
        if (made)
            chunks_ = std::move(*made);
        else
            chunks_verdict_ = tl::unexpected(std::move(made.error()));
    }

private:
    FlagSetter flags_;
    std::unique_ptr<SoftChunks> chunks_;
    NoChunks no_chunks_;
    Status verdict_;
    Status chunks_verdict_;
};

}  // namespace aerostat::agent
