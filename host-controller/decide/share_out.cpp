#include "host-controller/decide/share_out.h"

#include <algorithm>

#include "host-controller/decide/fill.h"
#include "host-controller/decide/segment_pool.h"

namespace aerostat::host {
namespace {

// The whole problem while it is being solved. Only what is near the price is looked at segment by segment: with a sample's
// price range one pass of two short searches a curve decides nearly all of it.
class Sharing {
public:
    explicit Sharing(const ShareProblem& problem) : problem_(problem) {
        bounds_.reserve(problem.guests.size());
        for (const ShareGuest& guest : problem.guests) {
            bounds_.push_back(bounds_of(guest));
            least_ += bounds_.back().least;
        }
    }

    ShareOutcome solve() {
        ShareOutcome outcome;
        outcome.short_by = saturating_sub(least_, problem_.capacity);
        const Bytes amount = saturating_sub(problem_.capacity, least_);
        range_ = likely_range(problem_, bounds_, amount);
        pool_ = collect(problem_, bounds_, range_);
        // The sample misled, or the answer lies at the range's very edge.
        const bool beside = pool_.taken >= amount || pool_.taken + pool_.open_length < amount;
        if (beside && (pool_.left_out || !pool_.taken.is_zero())) pool_ = collect(problem_, bounds_, range_ = {});
        Bytes left = saturating_sub(amount, pool_.taken);
        const Selection found = select_steepest(pool_.open, left);
        outcome.price = found.price;
        for (const Segment& segment : pool_.open) {
            if (segment.slope > found.price || found.all) {
                pool_.sure[segment.guest][segment.layer] += segment.length;
                left = saturating_sub(left, segment.length);
            } else if (segment.slope == found.price) {
                tied_.push_back(segment);
            }
        }
        for (const Segment& segment : tied_) {
            if (bounds_[segment.guest].bind()) settle_bounded(segment.guest);
        }
        share_ties(tied_, left);
        for (std::uint32_t g = 0; g < problem_.guests.size(); ++g) {
            if (bounds_[g].bind()) settle_bounded(g);
        }
        outcome.layers = std::move(pool_.sure);
        return outcome;
    }

private:
    // `left` goes to `tied` segments, which are worth the same: first everybody keeps what they hold.
    void share_ties(std::vector<Segment>& tied, Bytes left) {
        const auto place = [](const Segment& s) { return std::pair(s.guest, s.layer); };
        std::sort(tied.begin(), tied.end(), [&](const Segment& a, const Segment& b) { return place(a) < place(b); });
        std::vector<EqualClaim> claims;
        std::vector<Bytes*> owners;
        for (const Segment& segment : tied) {
            Bytes& own = pool_.sure[segment.guest][segment.layer];
            if (owners.empty() || owners.back() != &own) {
                const ShareGuest& guest = problem_.guests[segment.guest];
                owners.push_back(&own);
                claims.push_back({own, own, guest.layers[segment.layer].present, guest.weight});
            }
            claims.back().high += segment.length;
        }
        const std::vector<Bytes> totals = fill_equal_claims(claims, left);
        for (std::size_t i = 0; i < owners.size(); ++i) *owners[i] = totals[i];
    }

    // Of a bounded guest the sum is known. Its layers take it in their own order; of equal segments those that hold the
    // memory now.
    void settle_bounded(std::uint32_t g) {
        Bytes left = begin_settling(g);
        Bytes equal;
        for (Segment segment; order_.next(segment);) {
            if (!equals_.empty() && equals_.back().slope != segment.slope) {
                if (equal > left) break;
                left = take_equals(g, left, equal);
                equal = Bytes();
            }
            equals_.push_back(segment);
            equal += segment.length;
        }
        if (equal <= left)
            take_equals(g, left, equal);
        else if (equals_.size() == 1)
            pool_.sure[g][equals_.front().layer] += left;
        else
            share_ties(equals_, left);
    }

    // Puts order_ where nothing but what the guest surely has lies before it. The answer is what it has beyond that.
    Bytes begin_settling(std::uint32_t g) {
        const ShareGuest& guest = problem_.guests[g];
        std::vector<Bytes>& own = pool_.sure[g];
        Bytes left;
        for (const Bytes one : own) left += one;
        left = saturating_sub(left, bounds_[g].floors);
        order_.reset(guest, g);
        if (order_.skip_steeper(range_.widened().high) > left) order_.reset(guest, g);
        for (std::size_t l = 0; l < own.size(); ++l) {
            own[l] = order_.reached(l);
            left = saturating_sub(left, saturating_sub(own[l], guest.layers[l].curve.floor()));
        }
        equals_.clear();
        return left;
    }

    Bytes take_equals(std::uint32_t g, Bytes left, Bytes equal) {
        for (const Segment& segment : equals_) pool_.sure[g][segment.layer] += segment.length;
        equals_.clear();
        return saturating_sub(left, equal);
    }

    const ShareProblem& problem_;
    std::vector<ShareBounds> bounds_;
    SegmentPool pool_;
    PriceRange range_;
    std::vector<Segment> tied_;    ///< at the price, of all guests
    std::vector<Segment> equals_;  ///< of the guest being settled
    SegmentsInOrder order_;
    Bytes least_;
};

}  // namespace

ShareOutcome PriceOfMemory::share_out(const ShareProblem& problem) const { return Sharing(problem).solve(); }

const SharePolicy& price_of_memory() {
    static const PriceOfMemory policy;
    return policy;
}

}  // namespace aerostat::host
