#include "host-controller/decide/policies.h"

#include <algorithm>
#include <array>

#include "host-controller/decide/segment_pool.h"

namespace aerostat::host {
namespace {

double ratio(Bytes part, Bytes whole) { return whole.is_zero() ? 0 : std::min(1.0, part.as_double() / whole.as_double()); }

// The guest's bytes over its layers: each as far between its floor and its ceiling as the guest is.
std::vector<Bytes> split_evenly(const ShareGuest& guest, const ShareBounds& bounds, Bytes total) {
    const double part = ratio(saturating_sub(total, bounds.floors), saturating_sub(bounds.ceilings, bounds.floors));
    std::vector<Bytes> layers;
    for (const ShareLayer& layer : guest.layers) {
        const Bytes floor = layer.curve.floor();
        layers.push_back(floor + share_of(saturating_sub(layer.curve.ceiling(), floor), part));
    }
    return layers;
}

struct Sums {
    std::vector<ShareBounds> bounds;
    Bytes least;
    Bytes room;
};

Sums sums_of(const ShareProblem& problem) {
    Sums sums;
    for (const ShareGuest& guest : problem.guests) {
        const ShareBounds bounds = bounds_of(guest);
        sums.least += bounds.least;
        sums.room += saturating_sub(bounds.most, bounds.least);
        sums.bounds.push_back(bounds);
    }
    return sums;
}

ShareOutcome by_one_ratio(const ShareProblem& problem) {
    const Sums sums = sums_of(problem);
    const double part = ratio(saturating_sub(problem.capacity, sums.least), sums.room);
    ShareOutcome outcome;
    outcome.short_by = saturating_sub(sums.least, problem.capacity);
    for (std::size_t g = 0; g < problem.guests.size(); ++g) {
        const ShareBounds& bounds = sums.bounds[g];
        const Bytes total = bounds.least + share_of(saturating_sub(bounds.most, bounds.least), part);
        outcome.layers.push_back(split_evenly(problem.guests[g], bounds, total));
    }
    return outcome;
}

class Proportional final : public SharePolicy {
public:
    [[nodiscard]] std::string_view name() const override { return "proportional"; }
    [[nodiscard]] std::string_view reason() const override { return "the same ratio between min and max for all"; }
    [[nodiscard]] ShareOutcome share_out(const ShareProblem& problem) const override { return by_one_ratio(problem); }
};

class GuestOnly final : public SharePolicy {
public:
    [[nodiscard]] std::string_view name() const override { return "guest-only"; }
    [[nodiscard]] std::string_view reason() const override { return "the same ratio for all guests' own memory"; }
    [[nodiscard]] bool moves(LayerKind kind) const override { return kind != LayerKind::java_heap; }
    [[nodiscard]] ShareOutcome share_out(const ShareProblem& problem) const override { return by_one_ratio(problem); }
};

class StaticShares final : public SharePolicy {
public:
    [[nodiscard]] std::string_view name() const override { return "static"; }
    [[nodiscard]] std::string_view reason() const override { return "a fixed share by weight"; }

    [[nodiscard]] ShareOutcome share_out(const ShareProblem& problem) const override {
        const Sums sums = sums_of(problem);
        const double level = highest_level(problem, sums);
        ShareOutcome outcome;
        outcome.short_by = saturating_sub(sums.least, problem.capacity);
        for (std::size_t g = 0; g < problem.guests.size(); ++g) {
            const ShareGuest& guest = problem.guests[g];
            outcome.layers.push_back(split_evenly(guest, sums.bounds[g], at_level(guest, sums.bounds[g], level)));
        }
        return outcome;
    }

private:
    static Bytes at_level(const ShareGuest& guest, const ShareBounds& bounds, double level) {
        return std::clamp(Bytes(static_cast<std::uint64_t>(guest.weight * level)), bounds.least, bounds.most);
    }

    // Bytes for each unit of weight, as many as fit. Bisection: the sum rises with the level.
    static double highest_level(const ShareProblem& problem, const Sums& sums) {
        double low = 0;
        double high = 0;
        for (std::size_t g = 0; g < problem.guests.size(); ++g)
            high = std::max(high, sums.bounds[g].most.as_double() / problem.guests[g].weight);
        for (int step = 0; step < 64; ++step) {
            const double middle = (low + high) / 2;
            Bytes sum;
            for (std::size_t g = 0; g < problem.guests.size(); ++g)
                sum += at_level(problem.guests[g], sums.bounds[g], middle);
            (sum <= problem.capacity ? low : high) = middle;
        }
        return low;
    }
};

// The first is the default.
std::array<const SharePolicy*, 4> all_policies() {
    return {&price_of_memory(), &proportional(), &guest_only(), &static_shares()};
}

}  // namespace

const SharePolicy& proportional() {
    static const Proportional policy;
    return policy;
}

const SharePolicy& guest_only() {
    static const GuestOnly policy;
    return policy;
}

const SharePolicy& static_shares() {
    static const StaticShares policy;
    return policy;
}

const SharePolicy* policy_named(std::string_view name) {
    for (const SharePolicy* policy : all_policies()) {
        if (policy->name() == name) return policy;
    }
    return nullptr;
}

std::vector<std::string> policy_names() {
    std::vector<std::string> names;
    for (const SharePolicy* policy : all_policies()) names.emplace_back(policy->name());
    return names;
}

}  // namespace aerostat::host
