#include "jvm-agent/act/chunk_upkeep.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

constexpr Duration kIdle = std::chrono::seconds(1);
constexpr Duration kSoon = std::chrono::milliseconds(20);
constexpr Duration kNextSection = std::chrono::milliseconds(10);
constexpr Duration kKeepAliveEvery = std::chrono::seconds(2);
constexpr Duration kPassEvery = std::chrono::seconds(20);
constexpr std::size_t kChunksAPass = 64;

}  // namespace

void ChunkUpkeep::inflated(const HeapFacts& heap, TimePoint now) {
    pace_.inflated(now);
    settled_at_gc_ = heap.young_gcs;
}

Bytes ChunkUpkeep::room_in_old(const HeapFacts& heap, TimePoint now) const {
    return pace_.room(heap, balloon_.size().granted, balloon_.is_settled(), now);
}

void ChunkUpkeep::keep_alive(TimePoint now) {
    if (balloon_.count() == 0 || now - kept_alive_at_ < kKeepAliveEvery) return;
    balloon_.keep_alive();
    kept_alive_at_ = now;
}

bool ChunkUpkeep::is_pass_due(TimePoint now) const { return now - passed_at_ >= kPassEvery; }

ChunkUpkeep::Slice ChunkUpkeep::pass(const HeapFacts& heap, bool all, TimePoint now) {
    if (heap.old && !pace_.may_enter(now)) return {kSoon};
    const Status done = count(balloon_.refill_pass(heap.old ? 1 : kChunksAPass, all));
    pace_.entered(now);
    if (balloon_.pass_is_complete()) passed_at_ = now;
    return {all ? Duration::zero() : kSoon, done};
}

ChunkUpkeep::Slice ChunkUpkeep::tend_moved(const HeapFacts& heap, TimePoint now) {
    const bool moved = !balloon_.is_settled() && heap.young_gcs != settled_at_gc_;
    returned_ = std::min(returned_, balloon_.count());
    if (!heap.old || (returned_ == 0 && !moved)) return {kIdle};
    if (!pace_.may_enter(now)) return {kNextSection};
    pace_.entered(now);
    Slice slice{kNextSection};
    slice.touched = true;
    if (returned_ == 0) {
        settled_at_gc_ = heap.young_gcs;
        if (const auto settled = balloon_.settle_one(); !settled) slice.done = tl::unexpected(settled.error());
    } else {
        --returned_;
        slice.done = count(balloon_.refill_pass(1, true));
        slice.may_all_go = returned_ == 0;
    }
    return slice;
}

bool ChunkUpkeep::take_pages_again() {
    const bool again = returned_ > 0;
    returned_ = again ? 0 : balloon_.count();
    return !again;
}

Status ChunkUpkeep::count(const Result<Bytes>& released) {
    if (!released) return tl::unexpected(released.error());
    refilled_ += *released;
    return {};
}

}  // namespace aerostat::agent
