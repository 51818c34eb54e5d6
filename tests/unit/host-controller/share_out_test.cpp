#include "host-controller/decide/share_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

namespace aerostat::host {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Bytes pages(std::uint64_t count) { return Bytes(count * kPage); }
std::uint64_t in_pages(Bytes amount) { return amount.count() / kPage; }

CostCurve curve(std::vector<CostPoint> points) { return CostCurve::make(std::move(points)).value(); }

// A random convex curve with corners on whole pages.
CostCurve random_curve(std::mt19937& random) {
    const auto roll = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    std::vector<std::pair<std::uint64_t, double>> pieces;
    for (int count = roll(0, 3); count > 0; --count) pieces.emplace_back(static_cast<std::uint64_t>(roll(1, 3)), roll(0, 4));
    std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    double cost = 0;
    for (const auto& [length, slope] : pieces) cost += static_cast<double>(length) * slope;
    std::vector<CostPoint> points{{pages(static_cast<std::uint64_t>(roll(0, 2))), cost}};
    for (const auto& [length, slope] : pieces) {
        cost = std::max(0.0, cost - static_cast<double>(length) * slope);
        points.push_back({points.back().memory + pages(length), cost});
    }
    return curve(std::move(points));
}

ShareProblem random_problem(std::mt19937& random) {
    const auto roll = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    ShareProblem problem;
    problem.capacity = pages(static_cast<std::uint64_t>(roll(0, 24)));
    for (int guests = roll(1, 4); guests > 0; --guests) {
        ShareGuest guest;
        guest.weight = roll(1, 3);
        for (int layers = roll(1, 3); layers > 0; --layers)
            guest.layers.push_back({random_curve(random), pages(static_cast<std::uint64_t>(roll(0, 8)))});
        if (roll(0, 1)) guest.least = pages(static_cast<std::uint64_t>(roll(0, 10)));
        if (roll(0, 1)) guest.most = guest.least + pages(static_cast<std::uint64_t>(roll(0, 10)));
        problem.guests.push_back(std::move(guest));
    }
    return problem;
}

struct Range {
    std::uint64_t least;
    std::uint64_t most;
};

Range range_of(const ShareGuest& guest) {
    Bytes floors;
    Bytes ceilings;
    for (const ShareLayer& layer : guest.layers) {
        floors += layer.curve.floor();
        ceilings += layer.curve.ceiling();
    }
    const Bytes least = std::clamp(guest.least, floors, ceilings);
    return {in_pages(least), in_pages(std::clamp(guest.most, least, ceilings))};
}

// Least cost for every total of pages, by trying everything: best[m] over exactly m pages.
std::vector<double> convolve(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> best(a.size() + b.size() - 1, kInfinity);
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < b.size(); ++j) best[i + j] = std::min(best[i + j], a[i] + b[j]);
    }
    return best;
}

std::vector<double> table_of(const ShareGuest& guest) {
    std::vector<double> total{0};
    for (const ShareLayer& layer : guest.layers) {
        std::vector<double> one(in_pages(layer.curve.ceiling()) + 1, kInfinity);
        for (std::uint64_t m = in_pages(layer.curve.floor()); m < one.size(); ++m)
            one[m] = guest.weight * layer.curve.evaluate(pages(m));
        total = convolve(total, one);
    }
    const Range range = range_of(guest);
    for (std::uint64_t m = 0; m < total.size(); ++m) {
        if (m < range.least || m > range.most) total[m] = kInfinity;
    }
    return total;
}

double brute_force(const ShareProblem& problem) {
    std::vector<double> total{0};
    for (const ShareGuest& guest : problem.guests) total = convolve(total, table_of(guest));
    double best = kInfinity;
    for (std::uint64_t m = 0; m < total.size() && m <= in_pages(problem.capacity); ++m) best = std::min(best, total[m]);
    return best;
}

double cost_of(const ShareProblem& problem, const ShareOutcome& outcome) {
    double cost = 0;
    for (std::size_t g = 0; g < problem.guests.size(); ++g) {
        for (std::size_t l = 0; l < problem.guests[g].layers.size(); ++l) {
            cost += problem.guests[g].weight * problem.guests[g].layers[l].curve.evaluate(outcome.layers[g][l]);
        }
    }
    return cost;
}

Bytes sum_of(const std::vector<Bytes>& layers) {
    Bytes sum;
    for (const Bytes one : layers) sum += one;
    return sum;
}

Bytes sum_of(const ShareOutcome& outcome) {
    Bytes sum;
    for (const auto& guest : outcome.layers) sum += sum_of(guest);
    return sum;
}

TEST(ShareOut, FindsTheLeastCostThatTryingEverythingFindsInThousandsOfRandomCases) {
    std::mt19937 random(20240607);
    int fitting = 0;
    for (int round = 0; round < 4000; ++round) {
        const ShareProblem problem = random_problem(random);
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        const double best = brute_force(problem);
        if (std::isinf(best)) {
            EXPECT_FALSE(outcome.short_by.is_zero()) << "round " << round;
            continue;
        }
        ++fitting;
        EXPECT_TRUE(outcome.short_by.is_zero()) << "round " << round;
        EXPECT_NEAR(cost_of(problem, outcome), best, 1e-9) << "round " << round;
        EXPECT_LE(sum_of(outcome), problem.capacity) << "round " << round;
    }
    EXPECT_GT(fitting, 1000);
}

TEST(ShareOut, KeepsEveryGuestWithinItsBoundsEvenWhenMemoryIsShort) {
    std::mt19937 random(7);
    for (int round = 0; round < 4000; ++round) {
        const ShareProblem problem = random_problem(random);
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        Bytes least_of_all;
        for (std::size_t g = 0; g < problem.guests.size(); ++g) {
            const Range range = range_of(problem.guests[g]);
            least_of_all += pages(range.least);
            EXPECT_GE(sum_of(outcome.layers[g]), pages(range.least)) << "round " << round << " guest " << g;
            EXPECT_LE(sum_of(outcome.layers[g]), pages(range.most)) << "round " << round << " guest " << g;
        }
        EXPECT_EQ(outcome.short_by, saturating_sub(least_of_all, problem.capacity));
    }
}

TEST(ShareOut, ItsPriceSeparatesWhatIsTakenFromWhatIsLeft) {
    std::mt19937 random(11);
    for (int round = 0; round < 2000; ++round) {
        ShareProblem problem = random_problem(random);
        for (ShareGuest& guest : problem.guests) guest.least = Bytes(), guest.most = Bytes(Bytes::kLimit);
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        for (std::size_t g = 0; g < problem.guests.size(); ++g) {
            const ShareGuest& guest = problem.guests[g];
            for (std::size_t l = 0; l < guest.layers.size(); ++l) {
                const Bytes m = outcome.layers[g][l];
                EXPECT_GE(guest.weight * guest.layers[l].curve.price_of_taking(m), outcome.price * (1 - 1e-9)) << round;
                EXPECT_LE(guest.weight * guest.layers[l].curve.gain_of_giving(m), outcome.price * (1 + 1e-9)) << round;
            }
        }
    }
}

// A large host: more guests than are sampled, bounds that bind here and there, flat stretches and equal slopes in plenty.
ShareProblem large_problem(std::mt19937& random) {
    const auto roll = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    ShareProblem problem;
    Bytes floors;
    Bytes ceilings;
    const int bound_share = roll(0, 4);
    for (int guests = roll(600, 1500); guests > 0; --guests) {
        ShareGuest guest;
        guest.weight = roll(1, 3);
        for (int layers = roll(1, 3); layers > 0; --layers)
            guest.layers.push_back({random_curve(random), pages(static_cast<std::uint64_t>(roll(0, 8)))});
        if (roll(1, 4) <= bound_share) guest.least = pages(static_cast<std::uint64_t>(roll(0, 10)));
        if (roll(1, 4) <= bound_share) guest.most = guest.least + pages(static_cast<std::uint64_t>(roll(0, 10)));
        const Range range = range_of(guest);
        floors += pages(range.least);
        ceilings += pages(range.most);
        problem.guests.push_back(std::move(guest));
    }
    const double share = std::uniform_real_distribution<double>(-0.1, 1.1)(random);
    problem.capacity = floors + round_down(share_of(saturating_sub(ceilings, floors), share), pages(1));
    return problem;
}

// No byte of one layer is worth less than a byte that another layer of the guest could still have, and none is worth less
// than the price unless the guest's minimum keeps it, or more unless its maximum bars it: convexity makes that the optimum.
void expect_best(const ShareGuest& guest, const std::vector<Bytes>& layers, double price) {
    constexpr double kRounding = 1e-9;
    double cheapest_kept = kInfinity;
    double best_missed = 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        const CostCurve& one = guest.layers[l].curve;
        cheapest_kept = std::min(cheapest_kept, guest.weight * one.price_of_taking(layers[l]));
        best_missed = std::max(best_missed, guest.weight * one.gain_of_giving(layers[l]));
    }
    EXPECT_GE(cheapest_kept, best_missed * (1 - kRounding));
    const Range range = range_of(guest);
    const std::uint64_t sum = in_pages(sum_of(layers));
    EXPECT_GE(sum, range.least);
    EXPECT_LE(sum, range.most);
    if (sum > range.least) {
        EXPECT_GE(cheapest_kept, price * (1 - kRounding));
    }
    if (sum < range.most) {
        EXPECT_LE(best_missed, price * (1 + kRounding));
    }
}

TEST(ShareOut, IsTheOptimumAlsoAmongMoreGuestsThanItSamples) {
    std::mt19937 random(31);
    int scarce = 0;
    for (int round = 0; round < 60 && !HasFailure(); ++round) {
        const ShareProblem problem = large_problem(random);
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        Bytes least;
        Bytes most;
        for (std::size_t g = 0; g < problem.guests.size(); ++g) {
            const Range range = range_of(problem.guests[g]);
            least += pages(range.least);
            most += pages(range.most);
            expect_best(problem.guests[g], outcome.layers[g], outcome.price);
        }
        EXPECT_EQ(sum_of(outcome), std::clamp(problem.capacity, least, most)) << "round " << round;
        scarce += outcome.price > 0 ? 1 : 0;
    }
    EXPECT_GT(scarce, 20);
}

TEST(ShareOut, ASampleThatMisleadsOnlyCostsTime) {
    // All that is worth anything belongs to a few guests in a row, which hardly a sample meets.
    ShareProblem problem;
    for (int g = 0; g < 3000; ++g) {
        const double cost = g < 5 ? 1000 : g < 10 ? 500 : 0;
        problem.guests.push_back(
            {1, Bytes(), Bytes(Bytes::kLimit), {{curve({{pages(0), cost}, {pages(100), 0}}), pages(1)}}});
    }
    for (const std::uint64_t capacity :
         {0ULL, 50ULL, 499ULL, 500ULL, 501ULL, 750ULL, 1000ULL, 1001ULL, 290'000ULL, 300'000ULL}) {
        problem.capacity = pages(capacity);
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        EXPECT_EQ(in_pages(sum_of(outcome)), capacity);
        for (std::size_t g = 0; g < problem.guests.size(); ++g)
            expect_best(problem.guests[g], outcome.layers[g], outcome.price);
    }
}

TEST(ShareOut, FollowsTheSquareRootRule) {
    // sum w K / (m - L) is least where m - L is proportional to sqrt(w K): 4 times the garbage, twice the room.
    const Bytes live(64ULL << 20);
    const auto heap = [&](double k) { return CostCurve::hyperbola(k, live, live + Bytes(8ULL << 20), Bytes(4ULL << 30)); };
    ShareProblem problem{
        Bytes(1ULL << 30),
        {{1, Bytes(), Bytes(Bytes::kLimit), {{heap(1e6), live}}}, {1, Bytes(), Bytes(Bytes::kLimit), {{heap(4e6), live}}}}};
    const ShareOutcome outcome = price_of_memory().share_out(problem);
    const double small = saturating_sub(outcome.layers[0][0], live).as_double();
    const double large = saturating_sub(outcome.layers[1][0], live).as_double();
    EXPECT_NEAR(large / small, 2.0, 0.5);  // 16 chords approximate each curve
}

TEST(ShareOut, AWeightCountsTheGuestsCostThatManyTimes) {
    const CostCurve same = curve({{pages(0), 10}, {pages(10), 0}});
    const ShareProblem problem{pages(10),
                               {{1, Bytes(), pages(100), {{same, pages(5)}}}, {2, Bytes(), pages(100), {{same, pages(5)}}}}};
    const ShareOutcome outcome = price_of_memory().share_out(problem);
    EXPECT_EQ(outcome.layers[0][0], pages(0));
    EXPECT_EQ(outcome.layers[1][0], pages(10));
}

TEST(ShareOut, LeavesIdleMemoryWhereItIsWhenNobodyGains) {
    const CostCurve idle = CostCurve::flat(pages(1), pages(100));
    const ShareProblem problem{
        pages(100), {{1, Bytes(), pages(1000), {{idle, pages(70)}}}, {1, Bytes(), pages(1000), {{idle, pages(20)}}}}};
    const ShareOutcome outcome = price_of_memory().share_out(problem);
    EXPECT_GE(outcome.layers[0][0], pages(70));
    EXPECT_GE(outcome.layers[1][0], pages(20));
    EXPECT_EQ(sum_of(outcome), pages(100));
    EXPECT_EQ(outcome.price, 0);
}

TEST(ShareOut, HandsOutHeadroomByWeight) {
    const CostCurve idle = CostCurve::flat(pages(10), pages(1000));
    const ShareProblem problem{
        pages(320), {{1, Bytes(), pages(1000), {{idle, pages(10)}}}, {3, Bytes(), pages(1000), {{idle, pages(10)}}}}};
    const ShareOutcome outcome = price_of_memory().share_out(problem);
    EXPECT_EQ(outcome.layers[0][0], pages(10 + 75));
    EXPECT_EQ(outcome.layers[1][0], pages(10 + 225));
}

TEST(ShareOut, TiesInsideABoundedGuestGoToTheLayerThatHoldsTheMemory) {
    const CostCurve idle = CostCurve::flat(pages(0), pages(100));
    ShareGuest guest{1, pages(50), pages(50), {{idle, pages(10)}, {idle, pages(40)}}};
    const ShareOutcome outcome = price_of_memory().share_out({pages(500), {guest}});
    EXPECT_EQ(outcome.layers[0][0], pages(10));
    EXPECT_EQ(outcome.layers[0][1], pages(40));
}

TEST(ShareOut, SaysByHowMuchMinimumsDoNotFit) {
    const CostCurve idle = CostCurve::flat(pages(0), pages(100));
    ShareGuest guest{1, pages(60), pages(100), {{idle, pages(10)}}};
    const ShareOutcome outcome = price_of_memory().share_out({pages(100), {guest, guest}});
    EXPECT_EQ(outcome.short_by, pages(20));
    EXPECT_EQ(outcome.layers[0][0], pages(60));
    EXPECT_EQ(outcome.layers[1][0], pages(60));
}

TEST(ShareOut, AnEmptyHostNeedsNothing) {
    const ShareOutcome outcome = price_of_memory().share_out({pages(100), {}});
    EXPECT_TRUE(outcome.layers.empty());
    EXPECT_TRUE(outcome.short_by.is_zero());
}

TEST(ShareOut, TenThousandGuestsAreNoTrouble) {
    std::mt19937 random(3);
    ShareProblem problem;
    for (int g = 0; g < 10'000; ++g) {
        ShareGuest guest;
        for (int l = 0; l < 3; ++l) {
            const Bytes live(std::uniform_int_distribution<std::uint64_t>(10, 500)(random) << 20);
            const double k = std::uniform_real_distribution<double>(0, 1e8)(random);
            guest.layers.push_back({CostCurve::hyperbola(k, live, live + Bytes(32ULL << 20), Bytes(4ULL << 30)), live});
        }
        problem.guests.push_back(std::move(guest));
    }
    problem.capacity = Bytes(10'000ULL << 30);
    auto best = std::chrono::steady_clock::duration::max();
    for (int round = 0; round < 5; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        best = std::min(best, std::chrono::steady_clock::now() - begin);
        EXPECT_LE(sum_of(outcome), problem.capacity);
        EXPECT_GT(outcome.price, 0);
    }
    RecordProperty("microseconds", static_cast<int>(best.count() / 1000));
    std::printf("share_out of 10000 guests x 3 layers x 16 points: %.1f ms\n", static_cast<double>(best.count()) / 1e6);
    EXPECT_LT(best, std::chrono::seconds(2));  // far from the figure, so that sanitizers and busy machines pass too
}

}  // namespace
}  // namespace aerostat::host
