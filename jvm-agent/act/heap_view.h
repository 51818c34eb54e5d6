#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "contract/roles.h"
#include "jvm-agent/act/balloon.h"
#include "jvm-agent/decide/cycle_occupancy.h"
#include "jvm-agent/decide/live_estimate.h"
#include "jvm-agent/decide/pacing.h"
#include "jvm-agent/decide/resident_estimate.h"
#include "jvm-agent/decide/vacant_chunks.h"

namespace aerostat::agent {

/// What is known of a heap: what its collector says, what its program therefore occupies and keeps alive, and how much of it
/// is resident. Of the balloon in it no more than its size counts, and nothing is done to it but a census.
/// Thread: agent thread.
class HeapView {
public:
    /// `alarm`: HeapFacts::alarm; may be empty.
    HeapView(HeapPort& heap, std::function<Bytes()> alarm, const Clock& clock, Balloon& balloon)
        : port_(heap), alarm_(std::move(alarm)), clock_(clock), balloon_(balloon) {}
    HeapView(const HeapView&) = delete;  // its balloon is another's
    HeapView& operator=(const HeapView&) = delete;

    /// Asks the collector. Cheap, and to be done often.
    void observe();
    /// Counts resident pages. Costly. False: they cannot be counted.
    bool look();
    /// `share`: of the time that looks may take.
    [[nodiscard]] bool look_is_due(double share) const { return schedule_.due(clock_.now(), share); }

    [[nodiscard]] const HeapFacts& facts() const { return facts_; }
    /// Occupied by the program after the last collection.
    [[nodiscard]] Bytes application() const { return application_; }
    /// Used heap that has pages: neither in the balloon nor given back by it and not yet collected.
    [[nodiscard]] Bytes held_by_program() const;
    /// LiveEstimate::value(), and with less certainty: its assumed(), and where that is absent, too, what is occupied.
    [[nodiscard]] std::optional<Bytes> live() const { return live_.value(clock_.now()); }
    [[nodiscard]] std::optional<Bytes> assumed_live() const { return live_.assumed(clock_.now()); }
    [[nodiscard]] Bytes alive() const { return assumed_live().value_or(application_); }
    /// What the program and its collector need.
    [[nodiscard]] Bytes program_floor() const;
    /// By the program in such a time, at the rate of late; only where HeapFacts::collecting is told.
    [[nodiscard]] Bytes allocated_in(Duration time) const { return occupancy_.allocated_in(time); }
    [[nodiscard]] Bytes vacant() const { return vacant_.bytes(); }
    /// At the last look, less what was inflated since; and how far that can be relied on.
    [[nodiscard]] Bytes resident() const { return resident_.bytes(); }
    [[nodiscard]] const ResidentEstimate& looks() const { return resident_; }
    /// For others: measured, or between two looks the nearest that can be true.
    [[nodiscard]] HeapFootprint footprint() const;
    /// When a concurrent cycle or a full collection was seen last.
    [[nodiscard]] TimePoint cycle_seen_at() const { return cycle_seen_at_; }

    /// From now on only a cycle that begins later shows what is alive (LiveEstimate::forget_cycles()).
    void forget_cycles() { live_.forget_cycles(); }
    [[nodiscard]] bool has_seen_cycle() const { return live_.seen_since_forgotten(); }

    /// So much of the balloon was given back.
    void gave_back(Bytes chunks) { vacant_.gave_back(chunks, facts_); }
    /// ResidentEstimate::inflated(), take_off() and distrust().
    void inflated(Bytes chunks, bool counts) { resident_.inflated(chunks, counts); }
    void take_off(Bytes gone) { resident_.take_off(gone); }
    void distrust_look() { resident_.distrust(); }

private:
    void take_census();
    void learn_from_pauses();
    void learn_from_cycles();

    HeapPort& port_;
    std::function<Bytes()> alarm_;
    const Clock& clock_;
    Balloon& balloon_;
    HeapFacts facts_;
    VacantChunks vacant_;
    ResidentEstimate resident_;
    LookSchedule schedule_;
    LiveEstimate live_;
    CycleOccupancy occupancy_;
    Bytes application_;
    std::uint64_t pauses_ = 0;
    std::uint64_t cycle_pauses_ = 0, full_gcs_ = 0;
    TimePoint cycle_seen_at_{};
    std::uint64_t learned_young_gcs_ = 0, learned_full_gcs_ = 0;  ///< when application_ was learned
};

}  // namespace aerostat::agent
