#include "guest-balloon/decide/guard.h"

#include <algorithm>

namespace aerostat::guest {
namespace {

constexpr Bytes kSmallest{4ULL << 20U};  // less is not worth a heap's while
constexpr Bytes kShort{64ULL << 20U};    // a guest with less is short, whatever reserve it was given

}  // namespace

bool concerns_guest(const PressureWord& seen) noexcept {
    if (seen.who == Stalled::container || !seen.shares_machine || seen.held_unseen) return true;
    return seen.available < std::max(seen.reserve * 2, kShort);
}

void release_heaps(std::span<GuardedHeap> heaps, Bytes available, Bytes reserve) noexcept {
    Bytes room = saturating_sub(available, reserve);
    std::sort(heaps.begin(), heaps.end(), [](const GuardedHeap& a, const GuardedHeap& b) { return a.gain > b.gain; });
    for (GuardedHeap& heap : heaps) {
        const Bytes missing = saturating_sub(heap.ceiling, heap.target);
        const Bytes given = std::min(missing, room);
        heap.raised = given < std::min(kSmallest, missing) ? heap.target : heap.target + given;
        room = saturating_sub(room, saturating_sub(heap.raised, heap.target));
    }
}

PressureEdges::News PressureEdges::note(TimePoint now) noexcept {
    if (last_ && now - *last_ < kAtMostEvery) return News::nothing;
    const bool was_on = is_on(now);
    last_ = now;
    if (was_on && told_ && now - *told_ < kTellAgain) return News::goes_on;
    told_ = now;
    return News::edge;
}

}  // namespace aerostat::guest
