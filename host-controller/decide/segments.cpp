#include "host-controller/decide/segments.h"

#include <algorithm>

namespace aerostat::host {
namespace {

using Iterator = std::vector<Segment>::iterator;

double median(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// Middle of three places that follow no pattern a guest could line its segments up against.
double choose_pivot(Iterator begin, Iterator end, std::uint64_t& state) {
    const auto size = static_cast<std::uint64_t>(end - begin);
    const auto any = [&] {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (begin + static_cast<std::ptrdiff_t>((state >> 33) % size))->slope;
    };
    const double a = any();
    const double b = any();
    return median(a, b, any());
}

Bytes length_of(Iterator begin, Iterator end) {
    Bytes total;
    for (Iterator it = begin; it != end; ++it) total += it->length;
    return total;
}

}  // namespace

Selection select_steepest(std::vector<Segment>& segments, Bytes amount) {
    Iterator begin = segments.begin();
    Iterator end = segments.end();
    std::uint64_t state = 0x9e3779b97f4a7c15ULL;
    while (begin != end) {
        const double pivot = choose_pivot(begin, end, state);
        const Iterator steeper_end = std::partition(begin, end, [&](const Segment& s) { return s.slope > pivot; });
        const Bytes steeper = length_of(begin, steeper_end);
        if (steeper >= amount && steeper_end != begin) {
            end = steeper_end;
            continue;
        }
        const Iterator equal_end = std::partition(steeper_end, end, [&](const Segment& s) { return s.slope == pivot; });
        const Bytes with_equal = steeper + length_of(steeper_end, equal_end);
        if (with_equal >= amount) return {pivot, false};
        amount = saturating_sub(amount, with_equal);
        begin = equal_end;
    }
    return {0, true};
}

}  // namespace aerostat::host
