#include "jvm-agent/act/heap_view.h"

#include <algorithm>

#include "jvm-agent/decide/sizing.h"

namespace aerostat::agent {

void HeapView::observe() {
    facts_ = port_.observe();
    if (alarm_) facts_.alarm = alarm_();
    take_census();
    vacant_.observe(facts_);
    // Looks are rare; this costs nothing.
    const Bytes peak = saturating_sub(facts_.peak_used, balloon_.size().granted + vacant());
    resident_.occupied(std::min(std::max(held_by_program(), peak), facts_.committed));
    if (!facts_.collecting) live_.watch(held_by_program(), facts_.region, clock_.now());
    facts_.collecting ? learn_from_cycles() : learn_from_pauses();
}

/// Before anything is concluded from what is used: chunks that the collector has taken are not in it any more.
void HeapView::take_census() {
    const std::uint64_t full_gcs = facts_.full_gcs.value_or(0);
    const bool moved = facts_.cycle_pauses != cycle_pauses_ || full_gcs != full_gcs_;
    if (moved) cycle_seen_at_ = clock_.now();
    if (moved || facts_.collecting.value_or(false)) balloon_.census();
    cycle_pauses_ = facts_.cycle_pauses;
    full_gcs_ = full_gcs;
}

Bytes HeapView::held_by_program() const { return saturating_sub(facts_.used, balloon_.size().granted + vacant()); }

/// The heap is seen at the end of each pause, and only then is what is occupied not mostly garbage.
void HeapView::learn_from_pauses() {
    if (facts_.pauses == pauses_) {
        if (pauses_ == 0) application_ = held_by_program();
        return;
    }
    pauses_ = facts_.pauses;
    // Only a full collection frees the chunks of an old generation that were let go: they are no growth of the program.
    const Bytes let_go = facts_.old ? vacant() : Bytes();
    const Bytes left = saturating_sub(facts_.used_after_gc, balloon_.size().granted + let_go);
    // What a remark or a cleanup leaves holds the young generation, too: it is a bound, and only young and full collections
    // move anything out of there.
    const bool collected = facts_.young_gcs != learned_young_gcs_ || facts_.full_gcs.value_or(0) != learned_full_gcs_;
    learned_young_gcs_ = facts_.young_gcs;
    learned_full_gcs_ = facts_.full_gcs.value_or(0);
    application_ = collected ? left : std::min(application_, left);
    live_.observe(facts_, application_, clock_.now());
    resident_.collected(facts_.levers_give);
}

/// Concurrent cycles give back at no one moment: what counts is the least occupied since the last one.
void HeapView::learn_from_cycles() {
    const TimePoint now = clock_.now();
    occupancy_.observe({facts_.young_gcs, *facts_.collecting, held_by_program(), now, facts_.cycle_began});
    application_ = occupancy_.after_last();
    facts_.used_after_gc = application_ + balloon_.size().granted;
    live_.observe(facts_, occupancy_.alive(), now);
    if (facts_.pauses == pauses_) return;
    pauses_ = facts_.pauses;
    resident_.collected(facts_.levers_give);
}

bool HeapView::look() {
    const TimePoint began = clock_.now();
    const auto seen = port_.measure_footprint();
    const TimePoint ended = clock_.now();
    schedule_.looked(ended, ended - began);
    if (!seen) return false;
    resident_.looked(seen->rss, ended);
    return true;
}

/// While a concurrent cycle runs the program needs room to go on.
Bytes HeapView::program_floor() const {
    const Bytes meanwhile = facts_.cycle_began ? allocated_in(facts_.cycle_length) : Bytes();
    return std::min(facts_.max, floor_for(facts_, assumed_live()) + round_up(meanwhile, facts_.region));
}

HeapFootprint HeapView::footprint() const {
    if (!resident_.is_known()) return {facts_.committed};
    return {std::min(std::max(resident_.bytes(), held_by_program()), facts_.committed)};
}

}  // namespace aerostat::agent
