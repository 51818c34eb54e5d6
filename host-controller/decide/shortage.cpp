#include "host-controller/decide/shortage.h"

#include <algorithm>
#include <numeric>

namespace aerostat::host {
namespace {

template <class Less>
std::vector<std::size_t> order_of(std::size_t count, Less less) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), less);
    return order;
}

}  // namespace

std::vector<Bytes> cover(const std::vector<Spare>& spares, Bytes missing) {
    std::vector<Bytes> given(spares.size());
    const auto give = [&](std::size_t one, Bytes amount) {
        if (missing.is_zero() || amount <= given[one]) return;
        missing = saturating_sub(missing, saturating_sub(amount, given[one]));
        given[one] = amount;
    };
    const auto largest = order_of(spares.size(), [&](auto a, auto b) { return spares[a].unused > spares[b].unused; });
    for (const std::size_t one : largest) give(one, spares[one].unused);
    const auto cheapest = order_of(spares.size(), [&](auto a, auto b) { return spares[a].loss < spares[b].loss; });
    for (const std::size_t one : cheapest) give(one, spares[one].all);
    return given;
}

}  // namespace aerostat::host
