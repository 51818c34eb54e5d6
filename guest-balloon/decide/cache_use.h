#pragma once

#include <optional>

#include "guest-balloon/decide/refault_book.h"

namespace aerostat::guest {

/// How much of the page cache is in use: what could not be taken without the guest stalling more than kBearable for it.
///
/// The kernel says only what was used more than once (its active list), not whether it still is. Who reads: how many bytes a
/// second programs read out of the cache bounds what losing it could cost. Memory that is mapped is read unseen; as far as
/// it may be active it counts as in use. And a smaller cache with which as much was read for kCalm without missing it held
/// all that is in use: what came to it since is idle, on whatever list. Pure; the owner's thread.
class CacheUse {
public:
    /// Stalled seconds a second: PSI `some` of 1 %.
    static constexpr double kBearable = 0.01;
    static constexpr Duration kCalm = std::chrono::seconds(20);

    /// One look; what programs read is seen with some of them only.
    void observe(const OsSight& seen, const RefaultBook& book, TimePoint now);
    [[nodiscard]] Bytes in_use(const OsSight& seen, const RefaultBook& book) const;

private:
    std::optional<std::uint64_t> read_;
    TimePoint read_at_;
    std::optional<double> rate_;  ///< bytes a second, over some half minute
    /// So much cache was enough for programs that read at this rate.
    struct Enough {
        Bytes cache;
        double rate = 0;  ///< bytes a second
        TimePoint at;
    };
    struct Calm {
        TimePoint since;
        Bytes most;
        double rate = 0;
        std::uint64_t refaults = 0;
    };
    void note_calm(const OsSight& seen, const RefaultBook& book, double fresh, TimePoint now);
    std::optional<Calm> calm_;
    std::optional<Enough> enough_;

    void note_stall(const OsSight& seen, TimePoint now);
    [[nodiscard]] double lost_now(const RefaultBook& book) const;
    std::optional<Duration> stalled_;
    TimePoint stalled_at_;
    std::optional<double> stall_;  ///< seconds a second, over some five
};

}  // namespace aerostat::guest
