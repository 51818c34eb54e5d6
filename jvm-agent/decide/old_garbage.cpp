#include "jvm-agent/decide/old_garbage.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Of the sums that a promotion rate is made of, at each look.
constexpr double kFade = 0.9;
/// The first young collection after a cleanup only prepares mixed ones.
constexpr std::uint64_t kUntilMixed = 2;
/// With less promoted than this share of what was found before, a search proves nothing.
constexpr double kTelling = 0.5;

}  // namespace

void OldGarbage::observe(const HeapFacts& heap, Bytes application) {
    const bool young = heap.young_gcs != young_gcs_;
    const bool full = heap.full_gcs.value_or(0) != full_gcs_;
    const double grown = application.as_double() - occupied_;
    const double allocated = std::max(0.0, grown + heap.freed.as_double() - freed_);
    if (!started_) return start(heap, application);
    young_in_search_ += heap.young_gcs - young_gcs_;
    // What a remark or a cleanup leaves holds the young generation, too: only collections tell.
    if (full) {
        note_full(grown);
    } else if (young) {
        note_young(grown, allocated, heap.waste.as_double());
    }
    note_pauses(heap);
    if (young || full) remember(heap, application);
}

/// What is there counts as promoted: the first marking finds how much of it is dead.
void OldGarbage::start(const HeapFacts& heap, Bytes application) {
    started_ = true;
    since_mark_ = application.as_double();
    remember(heap, application);
    cycle_pauses_ = heap.cycle_pauses;
    even_ = full_gcs_ > 0 ? cycle_pauses_ % 2 : 0;  // an odd number without a full collection: a cycle runs
}

void OldGarbage::remember(const HeapFacts& heap, Bytes application) {
    young_gcs_ = heap.young_gcs;
    full_gcs_ = heap.full_gcs.value_or(0);
    occupied_ = application.as_double();
    freed_ = heap.freed.as_double();
}

/// A cycle has two pauses: remark, when marking is done, and cleanup, after which mixed collections may come.
void OldGarbage::note_pauses(const HeapFacts& heap) {
    if (heap.cycle_pauses == cycle_pauses_) return;
    const std::uint64_t fresh = heap.cycle_pauses - cycle_pauses_;
    if (!in_cycle() || fresh > 1) begin_search();
    cycle_pauses_ = heap.cycle_pauses;
    young_in_search_ = 0;
}

/// A marking that comes before the search of the one before is over, because somebody asked for it, goes on with it.
void OldGarbage::begin_search() {
    if (!searching_) reclaimed_ = 0;
    before_mark_ += since_mark_;
    since_mark_ = 0;
    searching_ = true;
}

void OldGarbage::note_young(double grown, double allocated, double waste) {
    if (!searching_) {
        grown_lately_ = grown_lately_ * kFade + grown;
        allocated_lately_ = allocated_lately_ * kFade + allocated;
        since_mark_ = std::max(0.0, since_mark_ + grown);
        return;
    }
    // In a mixed collection only the difference of what is promoted and what is reclaimed can be seen.
    const double promoted = std::max(grown, promotion_rate() * allocated);
    since_mark_ += promoted;
    reclaimed_ += promoted - grown;
    if (in_cycle()) return;
    if (grown < 0) mixed_ = true;
    if (young_in_search_ >= kUntilMixed && grown >= 0) conclude(mixed_ ? waste : 0);
}

/// A full collection finds everything, and ends a cycle that runs, wherever it is.
void OldGarbage::note_full(double grown) {
    begin_search();
    reclaimed_ += std::max(0.0, -grown);
    even_ = cycle_pauses_ % 2;
    conclude(0);
}

void OldGarbage::conclude(double left) {
    if (before_mark_ >= kTelling * found_) {
        found_ = std::max(reclaimed_, (found_ + reclaimed_) / 2);
        share_ = before_mark_ > 0 ? std::min(1.0, reclaimed_ / before_mark_) : 0;
    }
    left_ = left;
    before_mark_ = reclaimed_ = 0;
    searching_ = mixed_ = false;
}

double OldGarbage::promotion_rate() const {
    if (allocated_lately_ <= 0) return 0;
    return std::clamp(grown_lately_ / allocated_lately_, 0.0, 1.0);
}

bool OldGarbage::in_cycle() const { return (cycle_pauses_ - even_) % 2 != 0; }

Bytes OldGarbage::expected() const {
    const double older = std::max(0.0, std::min(found_, share_ * before_mark_) + left_ - reclaimed_);
    const double newer = std::min(found_, share_ * since_mark_);
    return Bytes(static_cast<std::uint64_t>(older + newer));
}

}  // namespace aerostat::agent
