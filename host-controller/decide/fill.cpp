#include "host-controller/decide/fill.h"

#include <algorithm>
#include <numeric>

namespace aerostat::host {
namespace {

Bytes sum(const std::vector<Bytes>& amounts) { return std::accumulate(amounts.begin(), amounts.end(), Bytes()); }

// Gives what rounding left over to whoever has room.
void give_rest(std::vector<Bytes>& given, const std::vector<Bytes>& room, Bytes amount) {
    Bytes rest = saturating_sub(amount, sum(given));
    for (std::size_t i = 0; i < given.size() && !rest.is_zero(); ++i) {
        const Bytes more = std::min(rest, saturating_sub(room[i], given[i]));
        given[i] += more;
        rest = saturating_sub(rest, more);
    }
}

std::vector<Bytes> scale_down(const std::vector<Bytes>& wants, Bytes amount) {
    const double ratio = amount.as_double() / std::max(1.0, sum(wants).as_double());
    std::vector<Bytes> given;
    Bytes left = amount;
    for (const Bytes want : wants) {
        given.push_back(std::min({share_of(want, ratio), want, left}));
        left = saturating_sub(left, given.back());
    }
    give_rest(given, wants, amount);
    return given;
}

// Water-filling: whoever fills up at the present level per weight leaves the round, smallest first.
std::vector<Bytes> by_weight(const std::vector<EqualClaim>& claims, const std::vector<Bytes>& room, Bytes amount) {
    std::vector<std::size_t> order(claims.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto level = [&](std::size_t i) { return room[i].as_double() / claims[i].weight; };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return level(a) < level(b); });
    double weights = 0;
    for (const EqualClaim& claim : claims) weights += claim.weight;
    std::vector<Bytes> given(claims.size());
    Bytes left = amount;
    for (const std::size_t i : order) {
        const double share = weights > 0 ? claims[i].weight / weights : 1;
        given[i] = std::min({share_of(left, share), room[i], left});
        left = saturating_sub(left, given[i]);
        weights -= claims[i].weight;
    }
    give_rest(given, room, amount);
    return given;
}

}  // namespace

std::vector<Bytes> fill_equal_claims(const std::vector<EqualClaim>& claims, Bytes amount) {
    std::vector<Bytes> held;
    std::vector<Bytes> room;
    for (const EqualClaim& claim : claims) {
        const Bytes width = saturating_sub(claim.high, claim.low);
        held.push_back(std::min(width, saturating_sub(claim.present, claim.low)));
        room.push_back(saturating_sub(width, held.back()));
    }
    amount = std::min(amount, sum(held) + sum(room));
    std::vector<Bytes> totals(claims.size());
    const bool short_of_present = sum(held) >= amount;
    const std::vector<Bytes> first = short_of_present ? scale_down(held, amount) : held;
    const std::vector<Bytes> rest =
        short_of_present ? std::vector<Bytes>(claims.size()) : by_weight(claims, room, saturating_sub(amount, sum(held)));
    for (std::size_t i = 0; i < claims.size(); ++i) totals[i] = claims[i].low + first[i] + rest[i];
    return totals;
}

}  // namespace aerostat::host
