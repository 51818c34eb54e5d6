#include "host-controller/decide/share_out.h"

#include <algorithm>

#include "host-controller/decide/fill.h"
#include "host-controller/decide/segments.h"

namespace aerostat::host {
namespace {

// What is known of a layer while sharing: bytes surely its own, and bytes at exactly the price.
struct Draft {
    Bytes sure;
    Bytes tied;
};

struct Bounds {
    Bytes floors;
    Bytes ceilings;
    Bytes least;
    Bytes most;
    [[nodiscard]] bool bind() const { return least > floors || most < ceilings; }
};

Bounds bounds_of(const ShareGuest& guest) {
    Bounds bounds;
    for (const ShareLayer& layer : guest.layers) {
        bounds.floors += layer.curve.floor();
        bounds.ceilings += layer.curve.ceiling();
    }
    bounds.least = std::clamp(guest.least, bounds.floors, bounds.ceilings);
    bounds.most = std::clamp(guest.most, bounds.least, bounds.ceilings);
    return bounds;
}

void append_segments(const ShareGuest& guest, std::uint32_t index, std::vector<Segment>& out) {
    for (std::uint32_t l = 0; l < guest.layers.size(); ++l) {
        const auto points = guest.layers[l].curve.points();
        for (std::size_t i = 1; i < points.size(); ++i) {
            const Bytes length = saturating_sub(points[i].memory, points[i - 1].memory);
            const double slope = guest.weight * (points[i - 1].cost - points[i].cost) / length.as_double();
            out.push_back({std::max(0.0, slope), length, index, l});
        }
    }
}

// The whole problem while it is being solved.
class Sharing {
public:
    explicit Sharing(const ShareProblem& problem) : problem_(problem) {
        first_layer_.reserve(problem.guests.size() + 1);
        std::size_t layers = 0;
        for (const ShareGuest& guest : problem.guests) {
            first_layer_.push_back(layers);
            layers += guest.layers.size();
            bounds_.push_back(bounds_of(guest));
            least_ += bounds_.back().least;
        }
        drafts_.resize(layers);
    }

    ShareOutcome solve() {
        ShareOutcome outcome;
        outcome.short_by = saturating_sub(least_, problem_.capacity);
        collect();
        Bytes left = saturating_sub(problem_.capacity, least_);
        const Selection found = select_steepest(pool_, left);
        outcome.price = found.price;
        for (const Segment& segment : pool_) {
            Draft& draft = drafts_[first_layer_[segment.guest] + segment.layer];
            if (segment.slope > found.price || found.all) {
                draft.sure += segment.length;
                left = saturating_sub(left, segment.length);
            } else if (segment.slope == found.price) {
                draft.tied += segment.length;
            }
        }
        settle_ties(0, problem_.guests.size(), left);
        write(outcome);
        return outcome;
    }

private:
    Draft& draft(std::size_t guest, std::uint32_t layer) { return drafts_[first_layer_[guest] + layer]; }

    // Floors and forced minimums become sure; what may be chosen goes into the pool.
    void collect() {
        std::size_t most_segments = 0;
        for (const ShareGuest& guest : problem_.guests) most_segments += guest.layers.size() * (CostCurve::kMaxPoints - 1);
        pool_.reserve(most_segments);
        for (std::uint32_t g = 0; g < problem_.guests.size(); ++g) {
            const ShareGuest& guest = problem_.guests[g];
            for (std::uint32_t l = 0; l < guest.layers.size(); ++l) draft(g, l).sure = guest.layers[l].curve.floor();
            if (!bounds_[g].bind())
                append_segments(guest, g, pool_);
            else
                collect_bounded(g);
        }
    }

    // A guest whose min or max matters: its own segments in order, the part before `least` forced, behind `most` dropped.
    void collect_bounded(std::uint32_t g) {
        const Bounds& bounds = bounds_[g];
        std::vector<Segment> own = sorted_segments(g);
        Bytes forced = saturating_sub(bounds.least, bounds.floors);
        Bytes offered = saturating_sub(bounds.most, bounds.least);
        for (Segment segment : own) {
            const Bytes now = std::min(forced, segment.length);
            draft(g, segment.layer).sure += now;
            forced = saturating_sub(forced, now);
            segment.length = std::min(saturating_sub(segment.length, now), offered);
            offered = saturating_sub(offered, segment.length);
            if (!segment.length.is_zero()) pool_.push_back(segment);
        }
    }

    std::vector<Segment> sorted_segments(std::uint32_t g) const {
        std::vector<Segment> own;
        append_segments(problem_.guests[g], g, own);
        std::stable_sort(own.begin(), own.end(), [](const Segment& a, const Segment& b) { return a.slope > b.slope; });
        return own;
    }

    void settle_ties(std::size_t first_guest, std::size_t end_guest, Bytes left) {
        std::vector<EqualClaim> claims;
        std::vector<Draft*> owners;
        for (std::size_t g = first_guest; g < end_guest; ++g) {
            const ShareGuest& guest = problem_.guests[g];
            for (std::uint32_t l = 0; l < guest.layers.size(); ++l) {
                Draft& one = draft(g, l);
                if (one.tied.is_zero()) continue;
                claims.push_back({one.sure, one.sure + one.tied, guest.layers[l].present, guest.weight});
                owners.push_back(&one);
            }
        }
        const std::vector<Bytes> totals = fill_equal_claims(claims, left);
        for (std::size_t i = 0; i < owners.size(); ++i) *owners[i] = {totals[i], Bytes()};
    }

    // Inside a bounded guest the cut fell somewhere among equal segments; its sum is right, so share that sum again with
    // ties going to the layers that hold the memory now.
    void settle_bounded(std::uint32_t g) {
        const ShareGuest& guest = problem_.guests[g];
        Bytes left;
        for (std::uint32_t l = 0; l < guest.layers.size(); ++l) {
            left += saturating_sub(draft(g, l).sure, guest.layers[l].curve.floor());
            draft(g, l) = {guest.layers[l].curve.floor(), Bytes()};
        }
        const std::vector<Segment> own = sorted_segments(g);
        for (std::size_t i = 0; i < own.size();) {
            std::size_t end = i;
            Bytes equal;
            while (end < own.size() && own[end].slope == own[i].slope) equal += own[end++].length;
            for (std::size_t k = i; k < end; ++k) {
                Draft& one = draft(g, own[k].layer);
                (equal <= left ? one.sure : one.tied) += own[k].length;
            }
            if (equal > left) break;
            left = saturating_sub(left, equal);
            i = end;
        }
        settle_ties(g, g + 1, left);
    }

    void write(ShareOutcome& outcome) {
        for (std::uint32_t g = 0; g < problem_.guests.size(); ++g) {
            if (bounds_[g].bind()) settle_bounded(g);
            std::vector<Bytes> layers;
            for (std::uint32_t l = 0; l < problem_.guests[g].layers.size(); ++l) layers.push_back(draft(g, l).sure);
            outcome.layers.push_back(std::move(layers));
        }
    }

    const ShareProblem& problem_;
    std::vector<std::size_t> first_layer_;
    std::vector<Bounds> bounds_;
    std::vector<Draft> drafts_;
    std::vector<Segment> pool_;
    Bytes least_;
};

}  // namespace

ShareOutcome PriceOfMemory::share_out(const ShareProblem& problem) const { return Sharing(problem).solve(); }

const SharePolicy& price_of_memory() {
    static const PriceOfMemory policy;
    return policy;
}

}  // namespace aerostat::host
