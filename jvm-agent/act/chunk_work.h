#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "jvm-agent/act/chunk_upkeep.h"
#include "jvm-agent/act/heap_view.h"

namespace aerostat::agent {

/// All that is done to the balloon: chunks are made, cared for and let go. Whatever it is, the view of the heap knows of it,
/// and the collector's settings follow.
/// Thread: agent thread.
class ChunkWork {
public:
    struct Hooks {
        /// Makes the collector's settings fit the balloon and what is about to be made: they rise before it and fall after
        /// it, else the collector would find its limit passed by us and work for nothing.
        std::function<void(Bytes more)> settings_follow;
        std::function<Bytes()> room;  ///< for chunks at this moment
    };
    /// Settings that follow the balloon run ahead of it by so many chunks.
    static constexpr std::uint64_t kAhead = 16;

    ChunkWork(Balloon& balloon, HeapView& heap, const Clock& clock, Hooks hooks)
        : balloon_(balloon), heap_(heap), clock_(clock), hooks_(std::move(hooks)), upkeep_(balloon) {}
    ChunkWork(const ChunkWork&) = delete;  // balloon and view are others'
    ChunkWork& operator=(const ChunkWork&) = delete;

    /// Looks at the heap: HeapView::observe().
    void observe();

    /// Makes chunks for so long at most, while there is room. `counts`: as for ResidentEstimate::inflated().
    void inflate(Bytes wanted, Duration slice, bool counts);
    /// Gives at least so much back; all, if there is less.
    void deflate(Bytes amount);
    void deflate_all() { deflate(balloon_.size().granted); }
    /// Where nobody needs it at this moment: what a full collection has brought back goes by itself, all of it, its pages
    /// first.
    void let_go(Bytes amount);
    /// A full collection has brought the balloon back: its pages go first, unless there is no time for that.
    void take_pages_again();

    void keep_alive() { upkeep_.keep_alive(clock_.now()); }
    /// ChunkUpkeep's. Both return how long the next call can wait.
    Duration tend_moved() { return follow(upkeep_.tend_moved(heap_.facts(), clock_.now())); }
    Duration pass(bool all) { return follow(upkeep_.pass(heap_.facts(), all, clock_.now())); }
    [[nodiscard]] ChunkUpkeep& upkeep() { return upkeep_; }
    [[nodiscard]] const ChunkUpkeep& upkeep() const { return upkeep_; }

    /// The JVM refused a chunk although there was room, or the kernel keeps pages: no balloon any more.
    [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }
    /// When chunks were made last.
    [[nodiscard]] std::optional<TimePoint> inflated_at() const { return inflated_at_; }

private:
    Duration follow(const ChunkUpkeep::Slice& slice);
    void stop(const Error& why);

    Balloon& balloon_;
    HeapView& heap_;
    const Clock& clock_;
    Hooks hooks_;
    ChunkUpkeep upkeep_;
    std::optional<Error> broken_;
    std::optional<TimePoint> inflated_at_;
};

}  // namespace aerostat::agent
