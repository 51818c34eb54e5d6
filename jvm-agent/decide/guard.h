#pragma once

#include <cstdint>
#include <string>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// What the guard is shown after a collection while a balloon is held.
struct GuardSight {
    HeapFacts heap;
    Bytes balloon;
    Bytes application;                 ///< occupied after the last pause, without the balloon
    std::uint64_t cleared_chunks = 0;  ///< taken by the collector, in all
    GcLoad gc;
    bool cycles_are_ours = false;  ///< our levers are driving concurrent cycles now
    /// A full collection has brought the balloon back: its pages are being released once more, and then it goes, all of it.
    bool is_leaving = false;
    /// The collector keeps the heap at this size, under load too; zero: it does not. Alive is what was last found so.
    Bytes held_at{};
    Bytes alive{};
};

/// What must be given back at once, and why; nothing if `release` is zero.
struct GuardVerdict {
    Bytes release;
    std::string distress;
};

/// Judges whether the balloon hurts the program. Gives back enough in one step, more each time distress repeats, and
/// then keeps its hands off for a while. A pure function of what it has been shown: time is an argument.
/// Thread: owner's.
class Guard {
public:
    [[nodiscard]] GuardVerdict judge(const GuardSight& seen, TimePoint now);

    /// The largest balloon that this guard would not take for a tight heap, for what the program occupied after the last
    /// collection. Dead objects that no cycle has found yet count as occupied: they are what makes the collector work.
    [[nodiscard]] Bytes bearable(const HeapFacts& heap, Bytes application) const;
    /// False while backing off after distress.
    [[nodiscard]] bool may_inflate(TimePoint now) const { return now >= quiet_until_; }
    /// True shortly after distress. The back-off lasts much longer; to call all of it distress would pin an idle program's
    /// memory for minutes.
    [[nodiscard]] bool is_distressed(TimePoint now) const { return releases_ > 0 && now - last_distress_ < kDistressLasts; }
    [[nodiscard]] Duration wait(TimePoint now) const { return now >= quiet_until_ ? Duration::zero() : quiet_until_ - now; }
    [[nodiscard]] std::uint64_t releases() const { return releases_; }

private:
    static constexpr Duration kDistressLasts = std::chrono::seconds(3);
    GuardVerdict distressed(const GuardSight& seen, Bytes release, std::string why, TimePoint now);
    [[nodiscard]] Bytes wanted_by_occupancy(const GuardSight& seen) const;
    [[nodiscard]] static Bytes wanted_by_size(const GuardSight& seen);
    bool gc_is_busier(const GuardSight& seen);
    bool cycles_storm(const GuardSight& seen, TimePoint now);
    void learn_growth(Bytes grown);
    void learn_growth_of_cycles(const GuardSight& seen);
    void forget(const GuardSight& seen);

    bool started_ = false;
    std::uint64_t full_gcs_ = 0;
    std::uint64_t stalls_ = 0;
    std::uint64_t cleared_ = 0;
    std::uint64_t gcs_ = 0;
    Bytes application_;
    Bytes least_;  ///< of application, in the cycles counted in cycles_
    std::uint64_t cycles_ = 0;
    Bytes growth_;          ///< of occupancy from one collection to the next, the largest of late
    double gc_before_ = 0;  ///< GC load while there was no balloon, or while our levers caused it
    TimePoint storm_since_{};
    std::uint64_t storm_cycles_ = 0;
    TimePoint quiet_until_{};
    TimePoint last_distress_{};
    Duration quiet_{};
    Bytes last_release_;
    std::uint64_t releases_ = 0;
};

}  // namespace aerostat::agent
