#include "guest-balloon/decide/refault_book.h"

#include <algorithm>
#include <cmath>

namespace aerostat::guest {
namespace {

constexpr double kHalfLife = 600;        // seconds; programs change what they read
constexpr double kLongestLook = 30;      // seconds between two looks that still belong together
constexpr double kLeastWeight = 3;       // seconds of looking that make a figure
constexpr double kRecent = 5;            // seconds over which the present rate is taken
constexpr double kDearestStall = 0.1;    // seconds a refault; slower than any disk
constexpr double kBinsPerDoubling = 16;  // each 4 % wide
constexpr Bytes kLeastTaken{8ULL << 20U};

double since(std::uint64_t before, std::uint64_t now) { return now > before ? static_cast<double>(now - before) : 0.0; }

}  // namespace

void RefaultBook::observe(const OsSight& seen, TimePoint now) {
    if (!seen.refaults) return;
    learn_prior(seen);
    const double seconds = last_ ? to_seconds(now - last_at_) : 0;
    if (last_ && last_->refaults && seconds > 0 && seconds <= kLongestLook) {
        const double refaults = since(*last_->refaults, *seen.refaults);
        fade(seconds);
        if (seen.stalled && last_->stalled) {
            stalls_ += std::clamp(to_seconds(*seen.stalled - *last_->stalled), 0.0, refaults * kDearestStall);
            refaults_ += refaults;
        }
        const double part = std::min(1.0, seconds / kRecent);
        rate_now_ += (refaults / seconds - rate_now_) * part;
        note_shrinking(seen);
        note_rate(seen, seconds, refaults);
    }
    last_ = seen;
    last_at_ = now;
}

// A page that is needed again comes from the same disks as one that is needed for the first time. Who waited for a disk to
// write counts, too: rather too dear.
void RefaultBook::learn_prior(const OsSight& seen) {
    if (!seen.io_stalled || !seen.read_in) return;
    const double waited = std::max(0.0, to_seconds(*seen.io_stalled)) + kPriorStall * kPriorRefaults;
    read_stall_ = prior_ = std::min(kPriorStall, waited / (static_cast<double>(*seen.read_in) + kPriorRefaults));
}

void RefaultBook::fade(double seconds) {
    const double left = std::exp2(-seconds / kHalfLife);
    stalls_ *= left;
    refaults_ *= left;
    for (auto& [number, bin] : bins_) {
        bin.weight *= left;
        bin.refaults *= left;
        bin.cache *= left;
    }
    std::erase_if(bins_, [](const auto& entry) { return entry.second.weight < 0.5; });
}

void RefaultBook::note_shrinking(const OsSight& seen) {
    if (seen.cache() < peak_) return;
    peak_ = seen.cache();
    stolen_at_peak_ = seen.stolen.value_or(0);
}

// A file that is deleted leaves the cache, too: only what reclaim took could come back as a refault.
void RefaultBook::note_rate(const OsSight& seen, double seconds, double refaults) {
    const Bytes gone = saturating_sub(peak_, seen.cache());
    if (gone < std::max(kLeastTaken, peak_ / 24)) return;
    if (seen.stolen && kPage.as_double() * since(stolen_at_peak_, *seen.stolen) < gone.as_double() / 2) {
        peak_ = seen.cache();
        stolen_at_peak_ = *seen.stolen;
        return;
    }
    Bin& bin = bins_[static_cast<int>(std::log2(1 + seen.cache().as_double()) * kBinsPerDoubling)];
    bin.weight += seconds;
    bin.refaults += refaults;
    bin.cache += seen.cache().as_double() * seconds;
}

double RefaultBook::stall_per_refault() const { return (stalls_ + prior_ * kPriorRefaults) / (refaults_ + kPriorRefaults); }

std::vector<RefaultBook::Seen> RefaultBook::seen_below(Bytes below) const {
    std::vector<Seen> all;
    for (auto bin = bins_.rbegin(); bin != bins_.rend(); ++bin) {
        const Bin& figures = bin->second;
        if (figures.weight < kLeastWeight) continue;
        const Bytes cache(static_cast<std::uint64_t>(figures.cache / figures.weight));
        if (cache < below) all.push_back({cache, figures.refaults / figures.weight * stall_per_refault()});
    }
    return all;
}

}  // namespace aerostat::guest
