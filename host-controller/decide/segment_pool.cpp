#include "host-controller/decide/segment_pool.h"

#include <algorithm>

namespace aerostat::host {
namespace {

constexpr std::size_t kSample = 256;           // guests; fewer are not worth sampling
constexpr double kSampleError = 0.1;           // of what the sample offers; beyond it the whole is collected
constexpr std::uint64_t kStride = 2654435761;  // coprime to any count of guests that fits memory, and follows no pattern

// The first corner of which the segment on its left is not steeper than `price`.
std::size_t first_not_steeper(std::span<const CostPoint> points, double weight, double price) {
    std::size_t low = 1;
    std::size_t high = points.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const CostPoint& left = points[middle - 1];
        const CostPoint& right = points[middle];
        const double length = saturating_sub(right.memory, left.memory).as_double();
        if (weight * (left.cost - right.cost) > price * length)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Adds one guest to a pool.
class Collector {
public:
    Collector(SegmentPool& pool, PriceRange range) : pool_(pool), range_(range.widened()) {}

    void add(const ShareGuest& guest, std::uint32_t index, const ShareBounds& bounds) {
        std::vector<Bytes>& sure = pool_.sure.emplace_back();
        sure.reserve(guest.layers.size());
        for (const ShareLayer& layer : guest.layers) sure.push_back(layer.curve.floor());
        if (bounds.bind()) return add_bounded(guest, index, bounds);
        for (std::uint32_t l = 0; l < guest.layers.size(); ++l) add_layer(guest, index, l);
    }

private:
    // A convex curve's segments fall in slope: two searches find the open ones, the rest is not looked at.
    void add_layer(const ShareGuest& guest, std::uint32_t index, std::uint32_t l) {
        const auto points = guest.layers[l].curve.points();
        const std::size_t first = first_not_steeper(points, guest.weight, range_.high);
        const std::size_t end = range_.low < 0 ? points.size() : first_not_steeper(points, guest.weight, range_.low);
        pool_.taken += saturating_sub(points[first - 1].memory, points.front().memory);
        pool_.sure.back()[l] = points[first - 1].memory;
        for (std::size_t i = first; i < end; ++i) {
            open({slope_between(points[i - 1], points[i], guest.weight),
                  saturating_sub(points[i].memory, points[i - 1].memory), index, l});
        }
        pool_.left_out = pool_.left_out || std::max(first, end) < points.size();
    }

    // A guest whose min or max matters: the part before `least` is forced, behind `most` there is nothing.
    void add_bounded(const ShareGuest& guest, std::uint32_t index, const ShareBounds& bounds) {
        own_.reset(guest, index);
        const Bytes steep = own_.skip_steeper(range_.high);
        const Bytes before = saturating_sub(bounds.least, bounds.floors);
        Bytes offered = saturating_sub(bounds.most, bounds.least);
        const Bytes taken = std::min(offered, saturating_sub(steep, before));
        pool_.sure.back().front() += before + taken;
        pool_.taken += taken;
        offered = saturating_sub(offered, taken);
        Bytes forced = saturating_sub(before, steep);
        for (Segment segment; !offered.is_zero() && own_.next(segment);) {
            if (segment.slope < range_.low) {
                pool_.left_out = true;
                return;
            }
            const Bytes now = std::min(forced, segment.length);
            forced = saturating_sub(forced, now);
            segment.length = std::min(saturating_sub(segment.length, now), offered);
            offered = saturating_sub(offered, segment.length);
            if (!segment.length.is_zero()) open(segment);
        }
    }

    void open(const Segment& segment) {
        pool_.open.push_back(segment);
        pool_.open_length += segment.length;
    }

    SegmentPool& pool_;
    PriceRange range_;
    SegmentsInOrder own_;
};

}  // namespace

ShareBounds bounds_of(const ShareGuest& guest) {
    ShareBounds bounds;
    for (const ShareLayer& layer : guest.layers) {
        bounds.floors += layer.curve.floor();
        bounds.ceilings += layer.curve.ceiling();
    }
    bounds.least = std::clamp(guest.least, bounds.floors, bounds.ceilings);
    bounds.most = std::clamp(guest.most, bounds.least, bounds.ceilings);
    return bounds;
}

void SegmentsInOrder::reset(const ShareGuest& guest, std::uint32_t index) {
    weight_ = guest.weight;
    guest_ = index;
    cursors_.clear();
    for (const ShareLayer& layer : guest.layers) {
        cursors_.push_back({layer.curve.points()});
        look(cursors_.back());
    }
}

Bytes SegmentsInOrder::skip_steeper(double price) {
    Bytes length;
    for (Cursor& cursor : cursors_) {
        cursor.right = first_not_steeper(cursor.points, weight_, price);
        length += saturating_sub(cursor.points[cursor.right - 1].memory, cursor.points.front().memory);
        look(cursor);
    }
    return length;
}

void SegmentsInOrder::look(Cursor& cursor) const {
    const bool more = cursor.right < cursor.points.size();
    cursor.slope = more ? slope_between(cursor.points[cursor.right - 1], cursor.points[cursor.right], weight_) : -1;
}

bool SegmentsInOrder::next(Segment& segment) {
    std::size_t best = 0;
    for (std::size_t l = 1; l < cursors_.size(); ++l) {
        if (cursors_[l].slope > cursors_[best].slope) best = l;
    }
    if (cursors_.empty() || cursors_[best].slope < 0) return false;
    Cursor& cursor = cursors_[best];
    const CostPoint& left = cursor.points[cursor.right - 1];
    segment = {cursor.slope, saturating_sub(cursor.points[cursor.right].memory, left.memory), guest_,
               static_cast<std::uint32_t>(best)};
    ++cursor.right;
    look(cursor);
    return true;
}

SegmentPool collect(const ShareProblem& problem, const std::vector<ShareBounds>& bounds, PriceRange range) {
    SegmentPool pool;
    pool.sure.reserve(problem.guests.size());
    Collector collector(pool, range);
    for (std::uint32_t g = 0; g < problem.guests.size(); ++g) collector.add(problem.guests[g], g, bounds[g]);
    return pool;
}

PriceRange likely_range(const ShareProblem& problem, const std::vector<ShareBounds>& bounds, Bytes amount) {
    const std::size_t count = problem.guests.size();
    if (count < 2 * kSample) return {};
    SegmentPool sample;
    Collector collector(sample, {});
    for (std::size_t i = 0; i < kSample; ++i) {
        const auto g = static_cast<std::uint32_t>(i * kStride % count);
        collector.add(problem.guests[g], g, bounds[g]);
    }
    const double part = static_cast<double>(kSample) / static_cast<double>(count);
    const Bytes middle = share_of(amount, part);
    const Bytes error = share_of(sample.open_length, kSampleError);
    const Bytes few = saturating_sub(middle, error);
    const Selection high = select_steepest(sample.open, few);
    const Selection low = select_steepest(sample.open, middle + error);
    PriceRange range;
    if (!few.is_zero() && !high.all) range.high = high.price;
    if (!low.all && low.price > 0) range.low = low.price;
    return range;
}

}  // namespace aerostat::host
