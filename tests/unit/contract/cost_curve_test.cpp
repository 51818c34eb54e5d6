#include "contract/cost_curve.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace aerostat {
namespace {

using namespace aerostat::literals;

CostCurve curve(std::vector<CostPoint> points) {
    auto made = CostCurve::make(std::move(points));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return *made;
}

// A random convex curve: slopes drawn, then sorted.
CostCurve random_curve(std::mt19937& random) {
    std::uniform_int_distribution<std::size_t> count(1, CostCurve::kMaxPoints);
    std::vector<double> falls(count(random) - 1);
    for (double& fall : falls) fall = std::exp(std::uniform_real_distribution<double>(-30, -15)(random));
    std::sort(falls.rbegin(), falls.rend());
    std::vector<Bytes> widths;
    for (std::size_t i = 0; i < falls.size(); ++i)
        widths.push_back(Bytes(4096 * std::uniform_int_distribution<std::uint64_t>(1, 100'000)(random)));
    double cost = 0.25;
    for (std::size_t i = 0; i < falls.size(); ++i) cost += falls[i] * widths[i].as_double();
    std::vector<CostPoint> points{{Bytes(4096 * std::uniform_int_distribution<std::uint64_t>(0, 100'000)(random)), cost}};
    for (std::size_t i = 0; i < falls.size(); ++i) {
        points.push_back(
            {points.back().memory + widths[i], std::max(0.0, points.back().cost - falls[i] * widths[i].as_double())});
    }
    return curve(std::move(points));
}

TEST(CostCurve, EvaluatesBetweenCornersAndOutside) {
    const CostCurve c = curve({{100_MiB, 4.0}, {200_MiB, 2.0}, {400_MiB, 1.0}});
    EXPECT_TRUE(std::isinf(c.evaluate(99_MiB)));
    EXPECT_DOUBLE_EQ(c.evaluate(100_MiB), 4.0);
    EXPECT_DOUBLE_EQ(c.evaluate(150_MiB), 3.0);
    EXPECT_DOUBLE_EQ(c.evaluate(300_MiB), 1.5);
    EXPECT_DOUBLE_EQ(c.evaluate(1_GiB), 1.0);
}

TEST(CostCurve, PricesWhatIsTakenOnTheLeftAndWhatIsGivenOnTheRight) {
    const CostCurve c = curve({{100_MiB, 4.0}, {200_MiB, 2.0}, {400_MiB, 1.0}});
    const double steep = 2.0 / (100_MiB).as_double();
    const double gentle = 1.0 / (200_MiB).as_double();
    EXPECT_DOUBLE_EQ(c.price_of_taking(200_MiB), steep);
    EXPECT_DOUBLE_EQ(c.gain_of_giving(200_MiB), gentle);
    EXPECT_DOUBLE_EQ(c.price_of_taking(300_MiB), gentle);
    EXPECT_TRUE(std::isinf(c.price_of_taking(100_MiB)));
    EXPECT_DOUBLE_EQ(c.gain_of_giving(100_MiB), steep);
    EXPECT_DOUBLE_EQ(c.price_of_taking(500_MiB), 0);
    EXPECT_DOUBLE_EQ(c.gain_of_giving(400_MiB), 0);
}

TEST(CostCurve, RefusesWhatIsNotConvexOrFalls) {
    EXPECT_FALSE(CostCurve::make({}));
    EXPECT_FALSE(CostCurve::make(std::vector<CostPoint>(17)));
    EXPECT_FALSE(CostCurve::make({{2_MiB, 1}, {1_MiB, 0}}));
    EXPECT_FALSE(CostCurve::make({{1_MiB, 1}, {1_MiB, 0}}));
    EXPECT_FALSE(CostCurve::make({{1_MiB, 1}, {2_MiB, 2}}));
    EXPECT_FALSE(CostCurve::make({{1_MiB, -1}}));
    EXPECT_FALSE(CostCurve::make({{1_MiB, std::nan("")}}));
    EXPECT_FALSE(CostCurve::make({{1_MiB, 3}, {2_MiB, 2.9}, {3_MiB, 1}})) << "concave";
}

TEST(Hyperbola, NeverPromisesLessThanTheTruthAndMeetsItAtTheCorners) {
    const double k = 1e7;
    const Bytes live = 125_MiB;
    const CostCurve c = CostCurve::hyperbola(k, live, 200_MiB, 4_GiB);
    EXPECT_EQ(c.floor(), 200_MiB);
    EXPECT_EQ(c.ceiling(), 4_GiB);
    EXPECT_TRUE(CostCurve::make({c.points().begin(), c.points().end()}));
    for (Bytes m = 200_MiB; m <= 4_GiB; m += 7_MiB) {
        const double truth = k / saturating_sub(m, live).as_double();
        EXPECT_GE(c.evaluate(m), truth * (1 - 1e-9));
        EXPECT_LE(c.evaluate(m), truth * 1.03) << "a chord should stay within 3 % of the curve";
    }
    for (const CostPoint& corner : c.points())
        EXPECT_NEAR(corner.cost, k / saturating_sub(corner.memory, live).as_double(), 1e-12);
}

TEST(CostCurve, OfTwoHyperbolasFallsAsFarAsMemoryIsUseful) {
    const CostCurve c = CostCurve::hyperbolas(1e8, 100_MiB, 2e8, 200_MiB, 1_GiB, 4_GiB);
    EXPECT_LE(c.points().size(), CostCurve::kMaxPoints);
    EXPECT_EQ(c.ceiling(), 4_GiB);
    const auto truth = [](Bytes m) { return 1e8 / saturating_sub(m, 100_MiB).as_double() + 2e8 / m.as_double(); };
    EXPECT_NEAR(c.evaluate(300_MiB), truth(300_MiB), truth(300_MiB) * 0.02);
    EXPECT_DOUBLE_EQ(c.evaluate(1_GiB), truth(1_GiB));
    EXPECT_DOUBLE_EQ(c.evaluate(3_GiB), truth(1_GiB));
    EXPECT_EQ(c.gain_of_giving(1_GiB), 0);
    EXPECT_EQ(CostCurve::hyperbolas(0, 100_MiB, 0, 200_MiB, 1_GiB, 4_GiB), CostCurve::flat(200_MiB, 4_GiB));
    EXPECT_EQ(CostCurve::hyperbolas(1e8, 100_MiB, 0, 200_MiB, 50_MiB, 4_GiB).gain_of_giving(200_MiB), 0);
}

TEST(Hyperbola, SurvivesDegenerateInput) {
    for (const double k : {0.0, -1.0, std::nan(""), 1e300, 1e-300, 1.0}) {
        for (const Bytes live : {0_B, 1_GiB, Bytes(Bytes::kLimit)}) {
            for (const Bytes floor : {0_B, 1_GiB, 1_GiB + 5_B}) {
                for (const Bytes ceiling : {0_B, 1_GiB, 1_GiB + 100_B, 4_GiB, Bytes(Bytes::kLimit)}) {
                    const CostCurve c = CostCurve::hyperbola(k, live, floor, ceiling);
                    EXPECT_TRUE(CostCurve::make({c.points().begin(), c.points().end()}));
                }
            }
        }
    }
}

TEST(Clamped, CutsTheDomainAndKeepsTheCosts) {
    const CostCurve c = curve({{100_MiB, 4.0}, {200_MiB, 2.0}, {400_MiB, 1.0}});
    const CostCurve cut = c.clamped(150_MiB, 300_MiB);
    EXPECT_EQ(cut.floor(), 150_MiB);
    EXPECT_EQ(cut.ceiling(), 300_MiB);
    EXPECT_DOUBLE_EQ(cut.evaluate(150_MiB), 3.0);
    EXPECT_DOUBLE_EQ(cut.evaluate(200_MiB), 2.0);
    EXPECT_DOUBLE_EQ(cut.evaluate(300_MiB), 1.5);
    EXPECT_EQ(c.clamped(0_B, 10_GiB), c);
}

TEST(Capped, LeavesWhatSomebodyCouldPay) {
    const CostCurve c = curve({{100_MiB, 1e6}, {200_MiB, 2.0}});
    EXPECT_EQ(c.capped(), c);
}

TEST(Capped, CutsTheDearEndAndIsNeverDearerNorFlat) {
    const CostCurve claimed = curve({{100_MiB, 1e300}, {101_MiB, 1e12}, {110_MiB, 9e5}, {200_MiB, 2.0}, {400_MiB, 1.0}});
    const CostCurve capped = claimed.capped();
    EXPECT_EQ(capped.floor(), 100_MiB);
    EXPECT_EQ(capped.points().front().cost, CostCurve::kMostCost);
    for (Bytes m = 200_MiB; m < 500_MiB; m += 10_MiB) EXPECT_EQ(capped.evaluate(m), claimed.evaluate(m));
    for (Bytes m = 100_MiB; m < 200_MiB; m += 1_MiB) EXPECT_LE(capped.evaluate(m), claimed.evaluate(m) * (1 + 1e-9));
    for (Bytes m = 101_MiB; m < 200_MiB; m += 1_MiB) EXPECT_GT(capped.price_of_taking(m), claimed.price_of_taking(300_MiB));
}

TEST(Capped, OfACurveThatIsBeyondBeliefEverywhereHasNoPrice) {
    const CostCurve capped = curve({{100_MiB, 1e300}, {400_MiB, 1e290}}).capped();
    EXPECT_EQ(capped.price_of_taking(300_MiB), 0);
    EXPECT_EQ(capped.evaluate(100_MiB), CostCurve::kMostCost);
}

TEST(Merge, FindsTheBestSplitOfTwoLayers) {
    std::mt19937 random(42);
    for (int round = 0; round < 200; ++round) {
        const CostCurve a = random_curve(random);
        const CostCurve b = random_curve(random);
        const CostCurve both = merge(a, b);
        ASSERT_EQ(both.floor(), a.floor() + b.floor());
        ASSERT_EQ(both.ceiling(), a.ceiling() + b.ceiling());
        ASSERT_LE(both.points().size(), CostCurve::kMaxPoints);
        ASSERT_TRUE(CostCurve::make({both.points().begin(), both.points().end()}));
        // No split may beat the merged curve by more than thinning explains; and the merged curve is never too cheap.
        const Bytes span = saturating_sub(both.ceiling(), both.floor());
        for (int sample = 0; sample <= 10; ++sample) {
            const Bytes total = both.floor() + share_of(span, sample / 10.0);
            double best = std::numeric_limits<double>::infinity();
            for (int part = 0; part <= 200; ++part) {
                const Bytes to_a = a.floor() + share_of(saturating_sub(a.ceiling(), a.floor()), part / 200.0);
                const Bytes to_b = saturating_sub(total, to_a);
                if (to_a + to_b == total) best = std::min(best, a.evaluate(to_a) + b.evaluate(to_b));
            }
            EXPECT_GE(best, both.evaluate(total) * 0.9 - 1e-6) << "merged curve much dearer than a split that exists";
        }
    }
}

TEST(Merge, IsExactWhileThePointsSuffice) {
    const CostCurve a = curve({{100_MiB, 4.0}, {200_MiB, 2.0}, {400_MiB, 1.0}});
    const CostCurve b = curve({{10_MiB, 1.0}, {110_MiB, 0.0}});
    const CostCurve both = merge(a, b);
    const CostCurve expected = curve({{110_MiB, 5.0}, {210_MiB, 3.0}, {310_MiB, 2.0}, {510_MiB, 1.0}});
    ASSERT_EQ(both.points().size(), expected.points().size());
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(both.points()[i].memory, expected.points()[i].memory);
        EXPECT_NEAR(both.points()[i].cost, expected.points()[i].cost, 1e-9);
    }
}

}  // namespace
}  // namespace aerostat
