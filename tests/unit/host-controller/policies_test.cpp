#include "host-controller/decide/policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;
using ::testing::HasSubstr;

ShareGuest wanting(Bytes least, Bytes most, double weight = 1) {
    return {weight, least, most, {{CostCurve::hyperbola(1e8, 50_MiB, 64_MiB, 4_GiB), 100_MiB}}};
}

// Totals are cut down to bytes and never add up to more than there is.
void expect_about(Bytes actual, Bytes expected) {
    EXPECT_LE(actual, expected);
    EXPECT_GE(actual + 1_KiB, expected);
}

HostRules rules_by(const SharePolicy& policy, Bytes memory) {
    HostRules rules = rules_for(memory, 64_MiB);
    rules.policy = &policy;
    return rules;
}

HostPlan plan_for(std::vector<GuestSeen> guests, const HostRules& rules) {
    return decide(HostSnapshot{std::move(guests), false}, {}, rules, kStart);
}

TEST(Policies, AreKnownByTheNamesOfTheConfiguration) {
    EXPECT_THAT(policy_names(), ::testing::ElementsAre("price", "proportional", "guest-only", "static"));
    for (const std::string& name : policy_names()) {
        ASSERT_TRUE(policy_named(name));
        EXPECT_EQ(policy_named(name)->name(), name);
    }
    EXPECT_EQ(policy_named("prices"), nullptr);
}

TEST(Policies, AllKeepEveryGuestWithinItsBoundsAndTheHostWithinItsCapacity) {
    const ShareProblem problem{
        2_GiB,
        {wanting(100_MiB, 300_MiB), wanting(500_MiB, 500_MiB, 3), wanting(Bytes(), 4_GiB, 0.5), wanting(64_MiB, 2_GiB, 8)}};
    for (const std::string& name : policy_names()) {
        const ShareOutcome outcome = policy_named(name)->share_out(problem);
        Bytes sum;
        ASSERT_EQ(outcome.layers.size(), problem.guests.size());
        for (std::size_t g = 0; g < outcome.layers.size(); ++g) {
            EXPECT_GE(outcome.layers[g][0] + 1_KiB, std::max(problem.guests[g].least, 64_MiB)) << name;
            EXPECT_LE(outcome.layers[g][0], problem.guests[g].most) << name;
            sum += outcome.layers[g][0];
        }
        EXPECT_LE(sum, problem.capacity) << name;
        EXPECT_GE(sum + 1_MiB, problem.capacity) << name << " leaves memory unused";
    }
}

TEST(Policies, AllSayByHowMuchMinimumsDoNotFit) {
    const ShareProblem problem{1_GiB, {wanting(700_MiB, 2_GiB), wanting(600_MiB, 2_GiB)}};
    for (const std::string& name : policy_names())
        EXPECT_EQ(policy_named(name)->share_out(problem).short_by, 276_MiB) << name;
}

TEST(Proportional, GivesAllTheSameRatioBetweenMinAndMax) {
    const ShareProblem problem{1000_MiB, {wanting(100_MiB, 300_MiB, 1), wanting(400_MiB, 1200_MiB, 7)}};
    const ShareOutcome outcome = proportional().share_out(problem);
    expect_about(outcome.layers[0][0], 200_MiB);
    expect_about(outcome.layers[1][0], 800_MiB);
    EXPECT_EQ(outcome.price, 0);
}

TEST(Proportional, GivesEveryoneTheMaximumWhenItFits) {
    const ShareProblem problem{8_GiB, {wanting(100_MiB, 300_MiB), wanting(400_MiB, 1200_MiB)}};
    const ShareOutcome outcome = proportional().share_out(problem);
    expect_about(outcome.layers[0][0], 300_MiB);
    expect_about(outcome.layers[1][0], 1200_MiB);
}

TEST(StaticShares, FollowTheWeightsWhateverTheCurvesSay) {
    ShareProblem problem{1200_MiB, {wanting(Bytes(), 4_GiB, 1), wanting(Bytes(), 4_GiB, 3)}};
    const ShareOutcome busy = static_shares().share_out(problem);
    expect_about(busy.layers[0][0], 300_MiB);
    expect_about(busy.layers[1][0], 900_MiB);
    problem.guests[1].layers[0] = {CostCurve::flat(64_MiB, 4_GiB), 2_GiB};
    EXPECT_EQ(static_shares().share_out(problem).layers, busy.layers);
}

TEST(StaticShares, GiveWhatAMaximumBarsToTheOthers) {
    const ShareProblem problem{1200_MiB, {wanting(Bytes(), 4_GiB), wanting(Bytes(), 100_MiB)}};
    const ShareOutcome outcome = static_shares().share_out(problem);
    expect_about(outcome.layers[0][0], 1100_MiB);
    expect_about(outcome.layers[1][0], 100_MiB);
}

TEST(Policies, WithoutPricesBytesMoveThoughNobodyGains) {
    // Both are idle: by price nothing moves.
    const std::vector<GuestSeen> guests{a_guest("big", {held_at(a_heap("heap", 800_MiB, 100_MiB, 1_GiB), 800_MiB)}),
                                        a_guest("small", {held_at(a_heap("heap", 100_MiB, 100_MiB, 1_GiB), 100_MiB)})};
    EXPECT_FALSE(order_to(plan_for(guests, rules_by(price_of_memory(), 1100_MiB)), "big"));
    const HostPlan plan = plan_for(guests, rules_by(proportional(), 1100_MiB));
    ASSERT_TRUE(order_to(plan, "big"));
    EXPECT_LT(row(plan, "big").next, 500_MiB);
    EXPECT_THAT(row(plan, "big").why, HasSubstr("ratio"));
    const HostPlan fixed = plan_for(guests, rules_by(static_shares(), 1100_MiB));
    EXPECT_THAT(row(fixed, "big").why, HasSubstr("fixed share"));
}

TEST(Policies, TheDeadBandAndFreeFirstHoldForAll) {
    const std::vector<GuestSeen> guests{a_guest("big", {held_at(a_heap("heap", 800_MiB, 100_MiB, 1_GiB), 800_MiB)}),
                                        a_guest("small", {held_at(a_heap("heap", 100_MiB, 100_MiB, 1_GiB), 100_MiB)})};
    for (const SharePolicy* policy : {&proportional(), &static_shares()}) {
        const HostPlan plan = plan_for(guests, rules_by(*policy, 1_GiB));
        EXPECT_LE(saturating_sub(row(plan, "small").next, 100_MiB), plan.free) << policy->name();
        std::vector<GuestSeen> there = guests;
        for (GuestSeen& guest : there) {
            LayerSeen& heap = guest.layers[0];
            heap.target = heap.footprint = row(plan, guest.name).target + 10_MiB;
            guest.charged = guest.fixed + heap.footprint;
        }
        EXPECT_TRUE(plan_for(there, rules_by(*policy, 1_GiB + 32_MiB)).orders.empty()) << policy->name();
    }
}

TEST(GuestOnly, LeavesJavaHeapsAloneAndMovesTheRest) {
    LayerSeen cache = held_at(a_heap("cache", 600_MiB, 50_MiB, 700_MiB), 600_MiB);
    cache.kind = LayerKind::guest_os;
    LayerSeen other = held_at(a_heap("cache", 100_MiB, 50_MiB, 700_MiB), 100_MiB);
    other.kind = LayerKind::guest_os;
    const HostPlan plan = plan_for({a_guest("a", {a_heap("heap", 300_MiB, 100_MiB, 1_GiB, 1e8), cache}),
                                    a_guest("b", {a_heap("heap", 200_MiB, 100_MiB, 1_GiB), other})},
                                   rules_by(guest_only(), 1400_MiB));
    EXPECT_EQ(row(plan, "a", "heap").next, 300_MiB);
    EXPECT_EQ(row(plan, "a", "heap").why, "left alone by policy guest-only");
    EXPECT_FALSE(row(plan, "b", "heap").ordered);
    EXPECT_LT(row(plan, "a", "cache").next, 600_MiB);
    EXPECT_EQ(row(plan, "a", "cache").target, row(plan, "b", "cache").target);
}

}  // namespace
}  // namespace aerostat::host
