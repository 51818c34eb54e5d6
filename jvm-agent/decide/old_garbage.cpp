#include "jvm-agent/decide/old_garbage.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Of a young collection in the promotion rate. Where nothing but the rate will tell what mixed collections promote, the
/// latest count most: a program that has loaded its data promotes no more.
constexpr double kUsualWeight = 0.1, kWeightInSearch = 0.3;
/// Of what is occupied, or one region: survivors come and go by so much without any old garbage.
constexpr double kNoise = 0.01;
/// The first young collection after a cleanup only prepares mixed ones.
constexpr std::uint64_t kUntilMixed = 2;
/// With less promoted than this share of what was found before, a search proves nothing.
constexpr double kTelling = 0.5;
/// Of what is occupied. Estimates may be wrong by any factor; too large a live set costs memory, too small a one programs.
constexpr double kMostUnproven = 0.5;
/// Of what was expected: what a full collection has to find to confirm it.
constexpr double kConfirming = 0.75;

}  // namespace

void OldGarbage::observe(const HeapFacts& heap, Bytes application) {
    const bool young = heap.young_gcs != young_gcs_;
    const bool full = heap.full_gcs.value_or(0) != full_gcs_;
    double grown = application.as_double() - occupied_;
    double allocated = std::max(0.0, grown + heap.freed.as_double() - freed_);
    if (!started_) return start(heap, application);
    young_in_search_ += heap.young_gcs - young_gcs_;
    // What a remark or a cleanup leaves holds the young generation, too: only collections tell.
    if (full) {
        note_full(heap, grown);
    } else if (young) {
        const double found = freed_in_pauses(grown, allocated);
        reclaimed_ += found;
        grown += found;
        allocated -= freed_alone_ - found;
        note_young(heap, grown, std::max(0.0, allocated));
    }
    note_pauses(heap, !young && !full);
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
    freed_alone_ = 0;
}

/// A cycle has two pauses: remark, when marking is done, and cleanup, after which mixed collections may come. Seen alone,
/// one tells what it has freed: regions with nothing alive in them.
void OldGarbage::note_pauses(const HeapFacts& heap, bool alone) {
    if (heap.cycle_pauses == cycle_pauses_) return;
    const std::uint64_t fresh = heap.cycle_pauses - cycle_pauses_;
    if (!in_cycle() || fresh > 1) begin_search();
    cycle_pauses_ = heap.cycle_pauses;
    young_in_search_ = 0;
    if (!alone) return;
    freed_alone_ = std::clamp(heap.freed.as_double() - freed_, 0.0, occupied_);
}

/// What pauses of a cycle have freed of what the program had promoted: the collection after them must not seem to have
/// promoted so much less. Chunks that the balloon had let go are freed by them, too, and were never among what is occupied:
/// what counts is what the collection leaves less than it would, had it promoted at the usual rate.
double OldGarbage::freed_in_pauses(double grown, double allocated) const {
    const double rate = promotion_rate();
    if (rate >= 1) return 0;
    return std::clamp((rate * (allocated - freed_alone_) - grown) / (1 - rate), 0.0, freed_alone_);
}

/// A marking that comes before the search of the one before is over, because somebody asked for it, goes on with it.
void OldGarbage::begin_search() {
    if (!searching_) reclaimed_ = 0;
    before_mark_ += since_mark_;
    since_mark_ = 0;
    searching_ = true;
}

void OldGarbage::note_young(const HeapFacts& heap, double grown, double allocated) {
    if (!searching_) {
        learn_rate(grown, allocated, kUsualWeight);
        since_mark_ = std::max(0.0, since_mark_ + grown);
        return;
    }
    const bool fell = grown < -std::max(heap.region.as_double(), kNoise * occupied_);
    if (in_cycle() || young_in_search_ < kUntilMixed) return note_unmixed(grown, allocated, fell);
    if (fell) {
        // In a mixed collection only the difference of what is promoted and what is reclaimed can be seen. What is reckoned
        // beyond it is never more than it.
        const double promoted = std::min(promotion_rate() * allocated, -grown);
        since_mark_ += promoted;
        reclaimed_ += promoted - grown;
        mixed_ = true;
    } else if (grown >= 0) {
        since_mark_ += grown;
        conclude(mixed_ ? heap.waste.as_double() : 0);
    }
}

/// A collection that the cycle's pauses have not prepared: what it shows is all there is. What it does not account for was
/// freed by the remark (regions with nothing alive in them), or was a large object that the collector looks after itself.
void OldGarbage::note_unmixed(double grown, double allocated, bool fell) {
    if (fell) {
        reclaimed_ -= grown;
    } else {
        learn_rate(grown, allocated, kWeightInSearch);
        since_mark_ += std::max(0.0, grown);
    }
}

/// A full collection finds everything, and ends a cycle that runs, wherever it is.
void OldGarbage::note_full(const HeapFacts& heap, double grown) {
    const double expected = this->expected().as_double();
    confirmed_ = expected > 0 && -grown >= kConfirming * expected;
    begin_search();
    reclaimed_ += std::max(0.0, -grown);
    cycle_pauses_ = heap.cycle_pauses;
    even_ = cycle_pauses_ % 2;
    conclude(0);
}

void OldGarbage::conclude(double left) {
    if (before_mark_ >= kTelling * found_) {
        found_ = std::max(reclaimed_, (found_ + reclaimed_) / 2);
        share_ = before_mark_ > 0 ? std::min(1.0, reclaimed_ / before_mark_) : 0;
    }
    left_ = left;
    ++searches_;
    before_mark_ = reclaimed_ = 0;
    searching_ = mixed_ = false;
}

void OldGarbage::learn_rate(double grown, double allocated, double weight) {
    grown_lately_ += weight * (grown - grown_lately_);
    allocated_lately_ += weight * (allocated - allocated_lately_);
}

double OldGarbage::promotion_rate() const {
    if (allocated_lately_ <= 0) return 0;
    return std::clamp(grown_lately_ / allocated_lately_, 0.0, 1.0);
}

bool OldGarbage::in_cycle() const { return (cycle_pauses_ - even_) % 2 != 0; }

Bytes OldGarbage::expected() const {
    const double older = std::min(found_, share_ * before_mark_);
    const double newer = std::min(found_, share_ * since_mark_);
    const double all = std::max(0.0, older + left_ - reclaimed_) + newer;
    const double proven = std::min(found_, std::max(0.0, older - reclaimed_) + newer);
    return Bytes(static_cast<std::uint64_t>(std::min(all, std::max(kMostUnproven * occupied_, proven))));
}

}  // namespace aerostat::agent
