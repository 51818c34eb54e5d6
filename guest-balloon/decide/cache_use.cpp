#include "guest-balloon/decide/cache_use.h"

#include <algorithm>
#include <cmath>

namespace aerostat::guest {
namespace {

constexpr double kAverageOver = 30;  // seconds: what is read once a minute is seen, what was read an hour ago is forgotten
constexpr double kForgottenAfter = 15;  // without news of what is read
constexpr double kStallOver = 5;        // seconds: the kernel adds stalls up every two
constexpr double kMoreIsRead = 1.25;    // times as much: something else is read
constexpr Duration kEnoughFor = std::chrono::minutes(10);

}  // namespace

void CacheUse::note_stall(const OsSight& seen, TimePoint now) {
    const double seconds = stalled_ ? to_seconds(now - stalled_at_) : 0;
    if (!seen.stalled || !stalled_ || seconds > kForgottenAfter) {
        stall_.reset();
    } else if (seconds > 0) {
        const double fresh = std::max(0.0, to_seconds(*seen.stalled - *stalled_)) / seconds;
        stall_ = stall_ ? *stall_ + (fresh - *stall_) * (1 - std::exp(-seconds / kStallOver)) : fresh;
    }
    stalled_ = seen.stalled;
    stalled_at_ = now;
}

// Refaults of pages that nobody had in use make no stall: the kernel's word on stalls bounds what they are reckoned at.
double CacheUse::lost_now(const RefaultBook& book) const {
    return stall_ ? std::min(*stall_, book.cost_now()) : book.cost_now();
}

// Between two looks at what programs read. A cache that is enough for a while and is then missed was not.
void CacheUse::note_calm(const OsSight& seen, const RefaultBook& book, double fresh, TimePoint now) {
    if (!seen.refaults) return calm_.reset();
    const Calm start{now, seen.cache(), fresh, *seen.refaults};
    if (!calm_) {
        calm_ = start;
        return;
    }
    const double missed = *seen.refaults > calm_->refaults ? static_cast<double>(*seen.refaults - calm_->refaults) : 0;
    const double spent = missed * book.stall_per_used_page() / std::max(1.0, to_seconds(now - calm_->since));
    calm_->most = std::max(calm_->most, seen.cache());
    if (spent > kBearable) {
        if (enough_ && seen.cache() >= enough_->cache) enough_.reset();
        calm_ = start;
        return;
    }
    calm_->rate = std::min(calm_->rate, fresh);
    if (now - calm_->since < kCalm) return;
    if (!enough_ || calm_->most <= enough_->cache || calm_->rate > enough_->rate * kMoreIsRead ||
        now - enough_->at > kEnoughFor)
        enough_ = Enough{calm_->most, calm_->rate, now};
    calm_ = start;
}

void CacheUse::observe(const OsSight& seen, const RefaultBook& book, TimePoint now) {
    note_stall(seen, now);
    const double seconds = read_ ? to_seconds(now - read_at_) : 0;
    if (!seen.read_from_memory) {
        if (seconds <= kForgottenAfter) return;
        read_.reset();
        rate_.reset();
        calm_.reset();
        enough_.reset();
        return;
    }
    if (read_ && seconds <= 0) return;
    if (read_) {
        const double fresh =
            *seen.read_from_memory > *read_ ? static_cast<double>(*seen.read_from_memory - *read_) / seconds : 0.0;
        rate_ = rate_ ? *rate_ + (fresh - *rate_) * (1 - std::exp(-seconds / kAverageOver)) : fresh;
        note_calm(seen, book, fresh, now);
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
    const double all_missed = rate_.value_or(0) / kPage.as_double() * book.stall_per_used_page();
    const double bearable = rate_ ? std::clamp(2 - all_missed / kBearable, 0.0, 1.0) : 0.0;
    Bytes idle = seen.inactive_file + share_of(read, bearable);
    if (enough_ && rate_ && *rate_ <= enough_->rate * kMoreIsRead)
        idle = std::max(idle, saturating_sub(seen.cache(), enough_->cache));
    // What the guest stalls already is spent.
    const double left = std::clamp(1 - lost_now(book) / kBearable, 0.0, 1.0);
    return saturating_sub(seen.cache(), share_of(idle, left));
}

}  // namespace aerostat::guest
