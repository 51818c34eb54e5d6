#pragma once

#include <cstddef>
#include <cstdint>

#include "jvm-agent/act/balloon.h"
#include "jvm-agent/decide/old_generation.h"

namespace aerostat::agent {

/// The care that chunks need while they are held: they are kept from the soft-reference policy, and pages that came back are
/// released again. Where collections move chunks (in the old generation of Parallel and Serial) each is released again once
/// it has come to rest; and after a full collection, which brings all their pages back, those go before the chunks do,
/// because letting go frees no chunk before the next one.
/// Thread: agent thread.
class ChunkUpkeep {
public:
    /// What a call has come to.
    struct Slice {
        Duration wait;            ///< until the next is worth while
        Status done{};            ///< fails as Balloon::refill_pass()
        bool touched = false;     ///< what a look has found is so no more
        bool may_all_go = false;  ///< what a full collection brought back has lost its pages: the balloon is to be let go
    };

    explicit ChunkUpkeep(Balloon& balloon) : balloon_(balloon) {}
    ChunkUpkeep(const ChunkUpkeep&) = delete;  // its balloon is another's
    ChunkUpkeep& operator=(const ChunkUpkeep&) = delete;

    /// To be told often.
    void observe(const HeapFacts& heap, TimePoint now) { pace_.observe(heap, now); }
    /// A chunk was made.
    void inflated(const HeapFacts& heap, TimePoint now);
    /// What may be made now in an old generation; only with `heap.old`.
    [[nodiscard]] Bytes room_in_old(const HeapFacts& heap, TimePoint now) const;

    void keep_alive(TimePoint now);
    /// It is a while since all chunks were looked at.
    [[nodiscard]] bool is_pass_due(TimePoint now) const;
    /// Some more chunks are looked at, and released again where pages came back. Not while a concurrent cycle runs. `all`:
    /// resident or not.
    Slice pass(const HeapFacts& heap, bool all, TimePoint now);
    /// One critical section a call, for chunks that collections have moved.
    Slice tend_moved(const HeapFacts& heap, TimePoint now);

    /// A full collection has come, and brought the balloon back. False: that was so already, and there is no time for pages.
    [[nodiscard]] bool take_pages_again();
    /// The balloon goes as soon as its pages have gone.
    [[nodiscard]] bool is_leaving() const { return returned_ > 0; }
    void forget_returned() { returned_ = 0; }

    /// Bytes released again so far.
    [[nodiscard]] Bytes refilled() const { return refilled_; }

private:
    Status count(const Result<Bytes>& released);

    Balloon& balloon_;
    ChunkPace pace_;                   ///< where chunks lie in an old generation
    std::size_t returned_ = 0;         ///< chunks that a full collection brought back, to be released before they are let go
    std::uint64_t settled_at_gc_ = 0;  ///< young collections when a chunk that one had moved was released last
    TimePoint kept_alive_at_{}, passed_at_{};
    Bytes refilled_;
};

}  // namespace aerostat::agent
