#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host-controller/decide/tracking.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;
using ::testing::HasSubstr;

HostPlan plan_for(std::vector<GuestSeen> guests, const HostRules& rules, const HostState& before = {},
                  TimePoint now = kStart) {
    return decide(HostSnapshot{std::move(guests), false}, before, rules, now);
}

TEST(Decide, GivesEveryJvmATargetOnJoining) {
    const HostPlan plan = plan_for({a_guest("shop", {a_heap("heap", 100_MiB, 50_MiB, 4_GiB)})}, rules_for(1_GiB, 128_MiB));
    ASSERT_TRUE(order_to(plan, "shop"));
    EXPECT_GE(row(plan, "shop").next, 100_MiB);
    EXPECT_LE(row(plan, "shop").next, 896_MiB);
}

TEST(Decide, TakesTheCheapestBytesForTheOneWhoNeedsMore) {
    const HostPlan plan = plan_for({a_guest("idle", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 600_MiB)}),
                                    a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e8), 200_MiB)})},
                                   rules_for(1_GiB, 64_MiB));
    EXPECT_LT(row(plan, "idle").next, 200_MiB);
    EXPECT_EQ(row(plan, "idle").why, "at its floor");
    EXPECT_GT(row(plan, "busy").target, 600_MiB);
    EXPECT_EQ(row(plan, "busy").why.find("needs more"), 0U);
    EXPECT_GT(plan.price, 0);
}

TEST(Decide, FreesBeforeItGives) {
    const auto rules = rules_for(1_GiB, 64_MiB);
    const std::vector<GuestSeen> guests{a_guest("idle", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 600_MiB)}),
                                        a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e8), 200_MiB)})};
    const HostPlan plan = plan_for(guests, rules);
    const Bytes raise = saturating_sub(row(plan, "busy").next, 200_MiB);
    EXPECT_LE(raise, plan.free) << "a raise was ordered out of memory that is not free yet";
    ASSERT_FALSE(plan.orders.empty());
    EXPECT_EQ(plan.orders.front().guest, "session:idle") << "shrinks go first";
}

TEST(Decide, ATargetStillInForceIsBookedUntilTheNewOneIsConfirmed) {
    HostState state;
    note_ordered(state, {"session:idle", "heap"}, 100_MiB, kStart + 6s);
    // The shrink is on its way: footprint is small already, but the old target still entitles it to 600 MiB.
    const HostPlan plan = plan_for({a_guest("idle", {held_at(a_heap("heap", 100_MiB, 100_MiB, 1_GiB), 600_MiB)})},
                                   rules_for(1_GiB, 64_MiB), state);
    EXPECT_EQ(plan.held, 650_MiB);
}

TEST(Decide, ARaiseOnItsWayIsBookedAtOnce) {
    HostState state;
    note_ordered(state, {"session:busy", "heap"}, 700_MiB, kStart + 6s);
    const HostPlan plan = plan_for({a_guest("busy", {held_at(a_heap("heap", 100_MiB, 100_MiB, 1_GiB, 1e8), 100_MiB)})},
                                   rules_for(1_GiB, 64_MiB), state);
    EXPECT_EQ(plan.held, 750_MiB);
}

TEST(Decide, ShrinksNobodyWhenNobodyGains) {
    const HostPlan plan = plan_for({a_guest("a", {held_at(a_heap("heap", 400_MiB, 100_MiB, 1_GiB), 400_MiB)}),
                                    a_guest("b", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 300_MiB)})},
                                   rules_for(2_GiB, 64_MiB));
    EXPECT_GE(row(plan, "a").next, 400_MiB);
    EXPECT_GE(row(plan, "b").next, 300_MiB);
}

TEST(Decide, IgnoresChangesWithinTheNoise) {
    // The target is 10 MiB off the aim: less than 16 MiB.
    const auto rules = rules_for(1_GiB, 64_MiB);
    const HostPlan first =
        plan_for({a_guest("shop", {held_at(a_heap("heap", 500_MiB, 100_MiB, 2_GiB, 1e8), 500_MiB)})}, rules);
    const Bytes aim = row(first, "shop").target;
    const HostPlan plan = plan_for(
        {a_guest("shop", {held_at(a_heap("heap", 500_MiB, 100_MiB, 2_GiB, 1e8), saturating_sub(aim, 10_MiB))})}, rules);
    EXPECT_TRUE(plan.orders.empty());
}

TEST(Decide, DoesNotMoveWhatDoesNotPayForMoving) {
    // Both are worth next to nothing: K so small that a GiB saves less than its move costs.
    const HostPlan plan = plan_for({a_guest("a", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB, 1e3), 600_MiB)}),
                                    a_guest("b", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 4e3), 200_MiB)})},
                                   rules_for(930_MiB, 20_MiB));
    EXPECT_TRUE(plan.orders.empty());
    EXPECT_THAT(row(plan, "a").why, HasSubstr("does not pay"));
}

TEST(Decide, BoundsTheStepOfATick) {
    HostRules rules = rules_for(1_GiB, 64_MiB);
    rules.pacing.largest_step = 50_MiB;
    const HostPlan plan = plan_for({a_guest("idle", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 700_MiB)}),
                                    a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e9), 200_MiB)})},
                                   rules);
    EXPECT_EQ(row(plan, "idle").next, 550_MiB) << "unused headroom at once, resident bytes in steps";
}

TEST(Decide, AnOverbookedHostShrinksEvenWithoutAGain) {
    const HostPlan plan = plan_for({a_guest("a", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 600_MiB)}),
                                    a_guest("b", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 600_MiB)})},
                                   rules_for(1_GiB, 64_MiB));
    Bytes entitled;
    for (const char* name : {"a", "b"}) entitled += row(plan, name).next + 50_MiB;
    EXPECT_LE(entitled, 960_MiB);
    EXPECT_GE(row(plan, "a").next, 300_MiB) << "headroom goes first, nobody loses what it holds";
}

TEST(Decide, KeepsAGuestsMinimumAndMaximum) {
    HostRules rules = rules_for(1_GiB, 64_MiB);
    rules.guests = {{"idle", {400_MiB, std::nullopt, 1}}, {"busy", {std::nullopt, 450_MiB, 1}}};
    const HostPlan plan = plan_for({a_guest("idle", {held_at(a_heap("heap", 500_MiB, 100_MiB, 1_GiB), 500_MiB)}),
                                    a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e9), 200_MiB)})},
                                   rules);
    EXPECT_GE(row(plan, "idle").target + 50_MiB, 400_MiB);
    EXPECT_LE(row(plan, "busy").target + 50_MiB, 450_MiB);
    EXPECT_THAT(row(plan, "busy").why, HasSubstr("max"));
}

TEST(Decide, AMaximumLoweredByTheOperatorIsEnforced) {
    HostRules rules = rules_for(2_GiB, 64_MiB, {std::nullopt, 300_MiB, 1});
    const HostPlan plan = plan_for({a_guest("shop", {held_at(a_heap("heap", 500_MiB, 100_MiB, 1_GiB), 500_MiB)})}, rules);
    EXPECT_LE(row(plan, "shop").next, 250_MiB);
    EXPECT_TRUE(row(plan, "shop").ordered);
}

TEST(Decide, SaysWhoIsShortAndKeepsGuaranteedMinimums) {
    HostRules rules = rules_for(600_MiB, 100_MiB);
    rules.guests = {{"guaranteed", {350_MiB, std::nullopt, 1}}, {"other", {}}};
    const HostPlan plan = plan_for({a_guest("guaranteed", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 300_MiB)}),
                                    a_guest("other", {held_at(a_heap("heap", 300_MiB, 250_MiB, 1_GiB), 300_MiB)})},
                                   rules);
    EXPECT_FALSE(plan.short_by.is_zero());
    EXPECT_GE(row(plan, "guaranteed").target + 50_MiB, 350_MiB);
    EXPECT_TRUE(plan.guests[0].short_by.is_zero());
    EXPECT_FALSE(plan.guests[1].short_by.is_zero());
    EXPECT_EQ(plan.level, "critical");
}

TEST(Decide, AnObservedGuestIsChargedAndLeftAlone) {
    HostRules rules = rules_for(1_GiB, 64_MiB);
    rules.guests = {{"shop", {}}};
    const HostPlan plan = plan_for({a_guest("stranger", {a_heap("heap", 300_MiB, 100_MiB, 1_GiB)}),
                                    a_guest("shop", {a_heap("heap", 100_MiB, 50_MiB, 2_GiB, 1e8)})},
                                   rules);
    EXPECT_EQ(order_to(plan, "stranger"), nullptr);
    EXPECT_LE(row(plan, "shop").target + 50_MiB + 350_MiB, 960_MiB);
}

TEST(Decide, ALostGuestIsChargedForWhatItHoldsAndIsEntitledTo) {
    GuestSeen lost = a_guest("lost", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 500_MiB)});
    lost.connected = false;
    const HostPlan plan =
        plan_for({lost, a_guest("busy", {a_heap("heap", 100_MiB, 50_MiB, 2_GiB, 1e8)})}, rules_for(1_GiB, 64_MiB));
    EXPECT_EQ(order_to(plan, "lost"), nullptr);
    EXPECT_LE(row(plan, "busy").target + 50_MiB + 550_MiB, 960_MiB);
}

TEST(Decide, AStuckJvmIsSetAsideFlaggedAndTriedAgain) {
    const auto rules = rules_for(1_GiB, 64_MiB);
    HostState state;
    note_ordered(state, {"session:stuck", "heap"}, 100_MiB, kStart);
    const GuestSeen stuck = a_guest("stuck", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 100_MiB)});
    const auto at = [&](Duration after) { return state = plan_for({stuck}, rules, state, kStart + after).after; };
    const LayerKey key{"session:stuck", "heap"};
    at(0s);
    EXPECT_FALSE(at(4s).tracks[key].aside_since);
    EXPECT_TRUE(at(6s).tracks[key].aside_since);
    EXPECT_FALSE(at(15s).tracks[key].flagged);
    EXPECT_TRUE(at(21s).tracks[key].flagged);
    const HostPlan plan = plan_for({stuck}, rules, state, kStart + 22s);
    EXPECT_EQ(plan.guests[0].state, "stuck");
    EXPECT_EQ(plan.held, 650_MiB) << "charged in full";
    EXPECT_FALSE(at(70s).tracks[key].aside_since) << "tried again";
}

TEST(Decide, AGuestThatIsLeftAloneIsNotStuckAndHasItsTimeAfterwards) {
    const auto rules = rules_for(1_GiB, 64_MiB);
    HostState state;
    const LayerKey key{"session:moving", "heap"};
    note_ordered(state, key, 100_MiB, kStart);
    GuestSeen moving = a_guest("moving", {held_at(a_heap("heap", 600_MiB, 100_MiB, 1_GiB), 100_MiB)});
    moving.left_alone = "it migrates";
    const auto at = [&](Duration after) { return state = plan_for({moving}, rules, state, kStart + after).after; };
    for (const Duration after : {0s, 4s, 6s, 25s}) EXPECT_FALSE(at(after).tracks[key].aside_since);
    moving.left_alone.clear();
    at(26s);
    EXPECT_FALSE(at(30s).tracks[key].aside_since);
    EXPECT_TRUE(at(32s).tracks[key].aside_since);
}

TEST(Decide, AJvmThatComesNearerIsNotStuck) {
    const auto rules = rules_for(2_GiB, 64_MiB);
    HostState state;
    note_ordered(state, {"session:slow", "heap"}, 100_MiB, kStart);
    for (int second = 0; second < 60; ++second) {
        const Bytes footprint = saturating_sub(900_MiB, Bytes(10ULL << 20) * static_cast<std::uint64_t>(second));
        state = plan_for({a_guest("slow", {held_at(a_heap("heap", footprint, 50_MiB, 1_GiB), 100_MiB)})}, rules, state,
                         kStart + std::chrono::seconds(second))
                    .after;
        EXPECT_FALSE((state.tracks[{"session:slow", "heap"}].aside_since)) << second;
    }
}

TEST(Decide, AnUrgentWishIsGrantedOutOfTheEmergencyReserveAtOnce) {
    const auto rules = rules_for(600_MiB, 200_MiB);
    const GuestSeen needy = a_guest("needy", {held_at(a_heap("heap", 150_MiB, 50_MiB, 1_GiB), 150_MiB)});
    const GuestSeen other = a_guest("other", {held_at(a_heap("heap", 150_MiB, 50_MiB, 1_GiB), 150_MiB)});
    HostState state;
    note_urgent(state, needy, "heap", 100_MiB, rules, kStart);
    const HostPlan plan = plan_for({needy, other}, rules, state);
    EXPECT_EQ(row(plan, "needy").next, 250_MiB);
    EXPECT_LT(row(plan, "other").next, 150_MiB) << "others refill the reserve";
}

TEST(Decide, AnUrgentWishDoesNotWaitForAnOrderUnderWay) {
    const auto rules = rules_for(1_GiB, 200_MiB);
    const GuestSeen needy = a_guest("needy", {held_at(a_heap("heap", 150_MiB, 50_MiB, 1_GiB), 150_MiB)});
    HostState state;
    note_ordered(state, {needy.id, "heap"}, 150_MiB, kStart + 5s);
    EXPECT_FALSE(order_to(plan_for({needy}, rules, state), "needy"));
    note_urgent(state, needy, "heap", 100_MiB, rules, kStart);
    EXPECT_TRUE(order_to(plan_for({needy}, rules, state), "needy"));
}

TEST(Decide, WhoAlwaysCriesIsNotServedWithoutEnd) {
    const auto rules = rules_for(1_GiB, 100_MiB);
    HostState state;
    Bytes footprint = 100_MiB;
    // Heard once in twice the time that urgency lasts: ten seconds with these rules.
    for (int second = 0; second < 9; ++second) {
        const GuestSeen liar = a_guest("liar", {a_heap("heap", footprint, 50_MiB, 4_GiB)});
        note_urgent(state, liar, "heap", 4_GiB, rules, kStart + std::chrono::seconds(second));
        EXPECT_LE((state.urgent[{liar.id, "heap"}].floor), 200_MiB);
        footprint += 50_MiB;
    }
}

TEST(Decide, AHeapInDistressIsNotSqueezed) {
    LayerSeen troubled = held_at(a_heap("heap", 500_MiB, 100_MiB, 1_GiB), 500_MiB);
    troubled.distress = true;
    const HostPlan plan = plan_for(
        {a_guest("troubled", {troubled}), a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e9), 200_MiB)})},
        rules_for(1_GiB, 64_MiB));
    EXPECT_GE(row(plan, "troubled").next, 500_MiB);
}

TEST(Decide, AnOperatorsCeilingHoldsAndThenEnds) {
    const auto rules = rules_for(2_GiB, 64_MiB);
    HostState state;
    set_ceiling(state, {"session:shop", "heap"}, 200_MiB, kStart + 60s);
    const GuestSeen shop = a_guest("shop", {held_at(a_heap("heap", 400_MiB, 100_MiB, 1_GiB, 1e8), 400_MiB)});
    const HostPlan held = plan_for({shop}, rules, state);
    EXPECT_EQ(row(held, "shop").next, 200_MiB);
    EXPECT_EQ(row(held, "shop").why, "held by operator");
    const HostPlan later = plan_for({shop}, rules, state, kStart + 61s);
    EXPECT_GE(row(later, "shop").next, 400_MiB);
    EXPECT_TRUE(later.after.ceilings.empty());
}

TEST(Decide, APauseStopsAllOrders) {
    HostState state;
    state.paused = true;
    const HostPlan plan =
        plan_for({a_guest("shop", {a_heap("heap", 100_MiB, 50_MiB, 4_GiB, 1e8)})}, rules_for(1_GiB, 128_MiB), state);
    EXPECT_TRUE(plan.orders.empty());
    EXPECT_FALSE(plan.layers.empty()) << "the plan is still shown";
}

TEST(Decide, APausedGuestsTargetsAreLiftedOnce) {
    HostState state;
    state.paused_guests.insert("session:shop");
    const auto rules = rules_for(1_GiB, 128_MiB);
    const HostPlan first =
        plan_for({a_guest("shop", {held_at(a_heap("heap", 100_MiB, 50_MiB, 2_GiB), 200_MiB)})}, rules, state);
    ASSERT_TRUE(order_to(first, "shop"));
    EXPECT_EQ(order_to(first, "shop")->layers[0].target.footprint, 2_GiB);
    const HostPlan second = plan_for({a_guest("shop", {a_heap("heap", 100_MiB, 50_MiB, 2_GiB)})}, rules, state);
    EXPECT_FALSE(order_to(second, "shop"));
}

TEST(Decide, AGuestThatIsLeftAloneKeepsItsTargetsAndIsChargedForThem) {
    const auto rules = rules_for(1_GiB, 64_MiB);
    GuestSeen moving = a_guest("moving", {held_at(a_heap("heap", 400_MiB, 100_MiB, 2_GiB), 600_MiB)});
    moving.left_alone = "it migrates";
    const GuestSeen busy = a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 2_GiB, 1e8), 200_MiB)});
    HostState state;
    state.paused_guests.insert(moving.id);
    const HostPlan plan = plan_for({moving, busy}, rules, state);
    EXPECT_FALSE(order_to(plan, "moving")) << "not even to lift what a pause lifts";
    EXPECT_EQ(row(plan, "moving").why, "left alone: it migrates");
    EXPECT_EQ(plan.guests[0].state, "left-alone");
    EXPECT_EQ(plan.guests[0].held, 650_MiB);
    EXPECT_LE(row(plan, "busy").target, 310_MiB);
    moving.left_alone.clear();
    EXPECT_TRUE(order_to(plan_for({moving, busy}, rules), "moving")) << "and goes on afterwards";
}

TEST(Decide, MinEqualToMaxMeansHandsOff) {
    const auto rules = rules_for(1_GiB, 128_MiB, {300_MiB, 300_MiB, 1});
    EXPECT_TRUE(plan_for({a_guest("shop", {a_heap("heap", 400_MiB, 50_MiB, 2_GiB)})}, rules).orders.empty());
}

TEST(Decide, GivesNothingWhileGuestsKnownFromBeforeARestartAreMissing) {
    const HostSnapshot seen{{a_guest("busy", {held_at(a_heap("heap", 100_MiB, 50_MiB, 2_GiB, 1e8), 100_MiB)})}, true};
    const HostPlan plan = decide(seen, {}, rules_for(1_GiB, 64_MiB), kStart);
    EXPECT_TRUE(plan.orders.empty());
}

TEST(Decide, TheLongestPatternThatMatchesWins) {
    HostRules rules;
    rules.guests = {{"*", {std::nullopt, std::nullopt, 1}},
                    {"web-*", {std::nullopt, std::nullopt, 2}},
                    {"web-1", {std::nullopt, std::nullopt, 3}}};
    EXPECT_EQ(rules.limits_for("db")->weight, 1);
    EXPECT_EQ(rules.limits_for("web-7")->weight, 2);
    EXPECT_EQ(rules.limits_for("web-1")->weight, 3);
    rules.guests.erase(rules.guests.begin());
    EXPECT_FALSE(rules.limits_for("db"));
}

}  // namespace
}  // namespace aerostat::host
