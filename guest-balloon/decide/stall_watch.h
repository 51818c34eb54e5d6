#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::guest {

/// What is to be known of stalls while a container's memory is taken.
struct StallSight {
    Bytes held;                             ///< by the container
    std::optional<Duration> stalled;        ///< so far, by PSI
    std::optional<std::uint64_t> refaults;  ///< so far, in pages
};

/// How much a guest stalls at present, while memory is taken from it bit by bit, and what it held before that.
///
/// The kernel adds up stalls every two seconds only. So refaults, which are counted at once, stand for them where it is
/// known what one costs; the larger of the two figures holds. Pure; the owner's thread.
class StallWatch {
public:
    /// What is taken shows in stall() after so long.
    static constexpr Duration kShowsAfter = std::chrono::milliseconds(2500);

    /// `price`: stalled seconds per refault, where it was learned.
    void note(const StallSight& seen, std::optional<double> price, TimePoint now);
    /// Stalled seconds a second, lately.
    [[nodiscard]] double stall() const;
    /// What was held when that began which stall() shows: so much was no trouble.
    [[nodiscard]] Bytes proven() const;
    void clear() { looks_.clear(); }

private:
    struct Look {
        StallSight seen;
        TimePoint at;
    };
    [[nodiscard]] const Look* before(Duration span) const;

    std::deque<Look> looks_;
    std::optional<double> price_;
};

/// How much more a container may hold from now on, that stalls beyond the budget; zero if its hold is not what makes it
/// stall.
[[nodiscard]] Bytes relief(Bytes hold, Bytes holding, double stall, double budget);

}  // namespace aerostat::guest
