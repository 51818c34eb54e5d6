#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "guest-balloon/decide/os_sight.h"

namespace aerostat::guest {

/// What has been learned about this guest's page cache, from watching it.
///
/// Two things. What a refault costs: stalled seconds per refault, the ratio of their sums, fading with time; `prior` counts
/// as much as 512 refaults. And how often pages are needed again with so much cache: refaults a second by size of the cache,
/// seen only while reclaim has taken pages from a larger cache: before that a small cache says nothing about what a larger
/// one saves. Pure; the owner's thread.
class RefaultBook {
public:
    /// What a refault costs before one was seen, per page: a page from a network disk with readahead, dear on purpose; less
    /// where the machine's programs have waited less for what was read from disks so far.
    static constexpr double kPriorStall = 500e-6;

    /// One look, about a second after the one before.
    void observe(const OsSight& seen, TimePoint now);

    [[nodiscard]] double stall_per_refault() const;
    /// The same of a page that is in use: what reading from the disks has cost at least. The kernel counts all refaults,
    /// but takes only those for stalls whose pages had been in use (its active list) before they were taken.
    [[nodiscard]] double stall_per_used_page() const { return std::max(stall_per_refault(), read_stall_); }
    /// Stalled seconds a second with the cache as it is now, as refaults cost.
    [[nodiscard]] double cost_now() const { return rate_now_ * stall_per_refault(); }
    /// The largest the cache was before reclaim took from it.
    [[nodiscard]] Bytes peak() const { return peak_; }
    [[nodiscard]] bool has_learned_stall() const { return refaults_ >= kPriorRefaults; }

    struct Seen {
        Bytes cache;
        double cost = 0;  ///< stalled seconds a second
    };
    /// With less cache than `below`, largest first.
    [[nodiscard]] std::vector<Seen> seen_below(Bytes below) const;

private:
    struct Bin {
        double weight = 0;  ///< seconds of looking, faded
        double refaults = 0;
        double cache = 0;  ///< bytes × weight
    };
    static constexpr double kPriorRefaults = 512;
    void learn_prior(const OsSight& seen);
    void fade(double seconds);
    void note_shrinking(const OsSight& seen);
    void note_rate(const OsSight& seen, double seconds, double refaults);

    std::optional<OsSight> last_;
    TimePoint last_at_;
    double stalls_ = 0;
    double refaults_ = 0;
    double prior_ = kPriorStall;
    double read_stall_ = 0;  ///< 0: not known
    double rate_now_ = 0;
    Bytes peak_;  ///< the largest cache since it last grew beyond what had been taken
    std::uint64_t stolen_at_peak_ = 0;
    std::map<int, Bin> bins_;  ///< by the logarithm of the cache's size
};

}  // namespace aerostat::guest
