#pragma once

#include <optional>

#include "guest-balloon/decide/refault_book.h"

namespace aerostat::guest {

/// How much of the page cache is in use: what could not be taken without the guest stalling more than kBearable for it.
///
/// The kernel says only what was used more than once (its active list), not whether it still is. Who reads: how many bytes a
/// second programs read out of the cache bounds what losing it could cost. Memory that is mapped is read unseen; as far as
/// it may be active it counts as in use. Pure; the owner's thread.
class CacheUse {
public:
    /// Stalled seconds a second: PSI `some` of 1 %.
    static constexpr double kBearable = 0.01;

    /// One look; what programs read is seen with some of them only.
    void observe(const OsSight& seen, TimePoint now);
    [[nodiscard]] Bytes in_use(const OsSight& seen, const RefaultBook& book) const;

private:
    std::optional<std::uint64_t> read_;
    TimePoint read_at_;
    std::optional<double> rate_;  ///< bytes a second, over some half minute
    void note_stall(const OsSight& seen, TimePoint now);
    [[nodiscard]] double lost_now(const RefaultBook& book) const;
    std::optional<Duration> stalled_;
    TimePoint stalled_at_;
    std::optional<double> stall_;  ///< seconds a second, over some five
};

}  // namespace aerostat::guest
