#include "guest-balloon/decide/cache_use.h"

#include <algorithm>
#include <cmath>

namespace aerostat::guest {
namespace {

constexpr double kAverageOver = 30;  // seconds: what is read once a minute is seen, what was read an hour ago is forgotten
constexpr double kForgottenAfter = 15;  // without news of what is read

}  // namespace

void CacheUse::observe(const OsSight& seen, TimePoint now) {
    const double seconds = read_ ? to_seconds(now - read_at_) : 0;
    if (!seen.read_from_memory) {
        if (seconds <= kForgottenAfter) return;
        read_.reset();
        rate_.reset();
        return;
    }
    if (read_ && seconds <= 0) return;
    if (read_) {
        const double fresh =
            *seen.read_from_memory > *read_ ? static_cast<double>(*seen.read_from_memory - *read_) / seconds : 0.0;
        rate_ = rate_ ? *rate_ + (fresh - *rate_) * (1 - std::exp(-seconds / kAverageOver)) : fresh;
    }
    read_ = seen.read_from_memory;
    read_at_ = now;
}

Bytes CacheUse::in_use(const OsSight& seen, const RefaultBook& book) const {
    const Bytes mapped = std::min(seen.mapped, seen.active_file);
    const Bytes read = saturating_sub(seen.active_file, mapped);
    // If none of it were there, all that is read would be missed. With a part of it as well, where it is read in a loop: a
    // page has gone when its turn comes again. So it is idle where all of it could be missed, and not where twice as much as
    // that would be lost.
    const double all_missed = rate_.value_or(0) / kPage.as_double() * book.stall_per_refault();
    const double bearable = rate_ ? std::clamp(2 - all_missed / kBearable, 0.0, 1.0) : 0.0;
    const Bytes idle = seen.inactive_file + share_of(read, bearable);
    // What the guest stalls already is spent.
    const double left = std::clamp(1 - book.cost_now() / kBearable, 0.0, 1.0);
    return saturating_sub(seen.cache(), share_of(idle, left));
}

}  // namespace aerostat::guest
