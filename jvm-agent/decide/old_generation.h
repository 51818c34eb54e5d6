#pragma once

#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"

// Chunks in an old generation that only full collections empty (Parallel, Serial). A full collection slides them along and
// brings all their pages back inside its pause: they come slowly, no more of them than the guest has memory in reserve for,
// and they go before a full collection comes.
namespace aerostat::agent {

/// What young collections move into the old generation.
/// Thread: owner's.
class PromotionAverage {
public:
    /// `used`: of the old generation, at the end of the last collection.
    void observe(std::uint64_t young_gcs, std::uint64_t full_gcs, Bytes used);
    /// The average, or by way of caution the last if that was more.
    [[nodiscard]] Bytes value() const { return value_; }

private:
    bool started_ = false;
    std::uint64_t young_gcs_ = 0, full_gcs_ = 0;
    Bytes used_, value_;
};

/// A full collection will come instead of one of the next young ones: chunks must not be there then.
[[nodiscard]] bool full_gc_is_near(const OldGeneration& old);

/// What chunks may still take, all in all: heap.old's free room but for what promotions need, within the reserve.
[[nodiscard]] Bytes old_generation_room(const HeapFacts& heap, Bytes balloon);

/// Of what the machine and each cgroup around the JVM could still give, and what the operator has set aside, as much as may
/// be counted on when a full collection brings chunks back.
[[nodiscard]] Bytes refill_headroom(Bytes set_aside, Bytes could_give);

/// When the next chunk may come, and when an array may be held fast to release its pages: a critical section keeps the
/// collector waiting, and before JDK 25 sections back to back make the program throw OutOfMemoryErrors (JDK-8192647).
/// Thread: owner's.
class ChunkPace {
public:
    void observe(const HeapFacts& heap, TimePoint now);
    /// One chunk or nothing. `settled`: no chunk waits to be moved into the old generation. Only with `heap.old`.
    [[nodiscard]] Bytes room(const HeapFacts& heap, Bytes balloon, bool settled, TimePoint now) const;
    /// For people: why a balloon of this size has not become larger.
    [[nodiscard]] static const char* why_no_more(const HeapFacts& heap, Bytes balloon);
    void inflated(TimePoint now);

    /// Not right after a collection, nor after another section.
    [[nodiscard]] bool may_enter(TimePoint now) const;
    void entered(TimePoint now) { entered_at_ = now; }

private:
    std::uint64_t pauses_ = 0;
    std::uint64_t young_gcs_ = 0;
    std::optional<std::uint64_t> inflated_at_gc_;
    std::optional<TimePoint> collected_at_, entered_at_;
};

}  // namespace aerostat::agent
