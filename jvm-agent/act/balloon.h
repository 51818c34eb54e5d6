#pragma once

#include <cstdint>
#include <deque>

#include "contract/roles.h"
#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// The chunks held now: inflated one by one, given back in runs of neighbours.
/// Thread: agent thread.
class Balloon {
public:
    explicit Balloon(ChunkPort& port) : port_(port) {}

    /// One chunk more. Fails: as ChunkPort::inflate(); after `unsupported` or `refused` it should not be tried again soon.
    Status inflate_one();
    /// Gives back at least `amount` (everything, if there is less). Returns what it was.
    Bytes deflate(Bytes amount);
    /// Counts and forgets chunks that the collector has taken. Returns how many.
    std::uint64_t census();
    /// Protects all chunks from the soft-reference policy for a while.
    void keep_alive();
    /// Looks which pages came back and releases them again, at most `most` chunks from where the last call ended.
    /// `all`: releases every chunk visited, resident or not (for tests of that path).
    /// Not while a concurrent cycle runs. Returns bytes released again. Fails: `denied` if the kernel keeps the pages: what
    /// is held gives nothing any more.
    Result<Bytes> refill_pass(std::size_t most, bool all);

    /// Releases a chunk again that young collections move still, where it lies now. Returns the bytes.
    /// Fails: as refill_pass().
    Result<Bytes> settle_one();
    /// Young collections leave all chunks where they are.
    [[nodiscard]] bool is_settled() const;

    /// The last refill_pass() reached the end: all chunks have been looked at.
    [[nodiscard]] bool pass_is_complete() const { return cursor_ >= chunks_.size(); }

    [[nodiscard]] HeapBalloonSize size() const { return {port_.chunk_size() * chunks_.size()}; }
    [[nodiscard]] std::size_t count() const { return chunks_.size(); }
    /// Of size(), not in memory at the last look.
    [[nodiscard]] Bytes verified() const { return saturating_sub(size().granted, resident_); }
    /// Bytes of all chunks ever inflated.
    [[nodiscard]] Bytes inflated() const { return inflated_; }
    [[nodiscard]] std::uint64_t cleared() const { return cleared_; }
    [[nodiscard]] std::uint64_t refills() const { return refills_; }

private:
    ChunkPort& port_;
    std::deque<Chunk> chunks_;  ///< by address, so that neighbours go together
    std::size_t cursor_ = 0;
    Bytes resident_;
    Bytes resident_now_;  ///< gathered by the pass under way
    Bytes inflated_;
    std::uint64_t cleared_ = 0;
    std::uint64_t refills_ = 0;
};

}  // namespace aerostat::agent
