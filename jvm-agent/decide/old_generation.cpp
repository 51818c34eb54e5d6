#include "jvm-agent/decide/old_generation.h"

#include <algorithm>

#include "jvm-agent/decide/sizing.h"

namespace aerostat::agent {
namespace {

/// The JVM collects fully when less is free than it expects to be promoted.
constexpr std::uint64_t kPromotionsAhead = 2;
/// Chunks coming faster make the JVM expect them to go on: a burst caused 10 to 28 full collections.
constexpr std::uint64_t kYoungGcsAChunk = 3;
constexpr Duration kBetweenSections = std::chrono::milliseconds(10);
/// A full collection also writes where nothing was before.
constexpr double kCountedOn = 0.8;

}  // namespace

void PromotionAverage::observe(std::uint64_t young_gcs, std::uint64_t full_gcs, Bytes used) {
    const bool full = full_gcs != full_gcs_;
    if (started_ && !full && young_gcs > young_gcs_) {
        const Bytes promoted = saturating_sub(used, used_) / (young_gcs - young_gcs_);
        value_ = std::max(promoted, value_ / 4 * 3 + promoted / 4);
    }
    if (!started_ || full || young_gcs != young_gcs_) used_ = used;
    started_ = true;
    young_gcs_ = young_gcs;
    full_gcs_ = full_gcs;
}

bool full_gc_is_near(const OldGeneration& old) { return old.free < old.promoted * kPromotionsAhead; }

Bytes old_generation_room(const HeapFacts& heap, Bytes balloon) {
    const OldGeneration& old = *heap.old;
    const Bytes kept = allocation_margin(heap) + old.promoted * kPromotionsAhead;
    const Bytes covered = saturating_sub(old.reserve, balloon);
    return round_down(std::min({room_for_chunks(heap), saturating_sub(old.free, kept), covered}), heap.region);
}

Bytes refill_headroom(Bytes set_aside, Bytes could_give) { return std::min(set_aside, share_of(could_give, kCountedOn)); }

void ChunkPace::observe(const HeapFacts& heap, TimePoint now) {
    if (heap.pauses != pauses_) collected_at_ = now;
    pauses_ = heap.pauses;
    young_gcs_ = heap.young_gcs;
}

const char* ChunkPace::why_no_more(const HeapFacts& heap, Bytes balloon) {
    if (balloon + heap.region > heap.old->reserve)
        return "the guest holds no more in reserve for a full collection (refill-reserve)";
    if (old_generation_room(heap, balloon).is_zero())
        return "the old generation has no more room that a full collection would not be needed for";
    return "chunks come one by one, each after some young collections of the program";
}

Bytes ChunkPace::room(const HeapFacts& heap, Bytes balloon, bool settled, TimePoint now) const {
    const bool soon = inflated_at_gc_ && young_gcs_ - *inflated_at_gc_ < kYoungGcsAChunk;
    if (!settled || soon || !may_enter(now)) return Bytes();
    return std::min(old_generation_room(heap, balloon), heap.region);
}

void ChunkPace::inflated(TimePoint now) {
    inflated_at_gc_ = young_gcs_;
    entered(now);
}

bool ChunkPace::may_enter(TimePoint now) const {
    const auto long_ago = [now](const std::optional<TimePoint>& then) { return !then || now - *then >= kBetweenSections; };
    return long_ago(collected_at_) && long_ago(entered_at_);
}

}  // namespace aerostat::agent
