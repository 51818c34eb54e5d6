#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "host-controller/decide/balloon_account.h"
#include "host-controller/decide/booking.h"
#include "host-controller/decide/policies.h"
#include "host-controller/decide/squeeze.h"
#include "host-controller/decide/tracking.h"
#include "tests/unit/host-controller/host_builders.h"

// The guest OS layer in the share-out: page cache and heaps in one currency.
namespace aerostat::host {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// `cache` bytes above the floor, each of which costs `slope` CPU seconds per second and GiB when it is taken.
LayerSeen an_os(Bytes footprint, Bytes cache, double slope, bool from_inside = true) {
    const Bytes floor = saturating_sub(footprint, cache);
    const double cost = slope * cache.as_double() / static_cast<double>(1ULL << 30U);
    LayerSeen layer;
    layer.name = kOsLayer;
    layer.kind = LayerKind::guest_os;
    layer.from_inside = from_inside;
    layer.held_at_once = false;
    layer.footprint = footprint;
    layer.floor = floor;
    layer.ceiling = 4_GiB;
    layer.curve = *CostCurve::make({{floor, cost}, {footprint, 0}, {4_GiB, 0}});
    return layer;
}

HostPlan plan_for(std::vector<GuestSeen> guests, const HostRules& rules, const HostState& before = {}) {
    return decide(HostSnapshot{std::move(guests), false}, before, rules, kStart);
}

GuestSeen busy() { return a_guest("busy", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB, 1e8), 200_MiB)}); }

TEST(OsLayer, OneThatGaveAGoodPartHadTooLittleTime) {
    EXPECT_TRUE(shows_os_limit(160_MiB, 160_MiB));
    EXPECT_TRUE(shows_os_limit(160_MiB, 130_MiB));
    EXPECT_FALSE(shows_os_limit(160_MiB, 120_MiB));
    EXPECT_FALSE(shows_os_limit(160_MiB, 0_B));
}

TEST(OsLayer, WhatItCouldNotGiveIsNoClaimOnMemory) {
    const LayerKey key{"session:vm", kOsLayer};
    HostState state;
    const LayerSeen loose = an_os(140_MiB, 40_MiB, 0.01, false);
    note_os_short(state, key, loose, 450_MiB, kStart + 60s);
    EXPECT_EQ(entitled(loose, &state.tracks.at(key)), 140_MiB) << "what its balloon leaves it is more than it holds";
    EXPECT_EQ(state.tracks.at(key).busy_until, kStart + 60s) << "not asked again at once";
    const LayerSeen bound = held_at(loose, 200_MiB);
    note_os_short(state, key, bound, 450_MiB, kStart + 60s);
    EXPECT_EQ(entitled(bound, &state.tracks.at(key)), 200_MiB);
    note_os_short(state, key, bound, 180_MiB, kStart + 60s);
    EXPECT_EQ(state.tracks.at(key).ordered, 180_MiB);
}

TEST(OsLayer, CheapPageCachePaysForABusyHeap) {
    const GuestSeen files = a_guest("files", {held_at(an_os(700_MiB, 600_MiB, 0.01), 700_MiB)});
    const HostPlan plan = plan_for({files, busy()}, rules_for(1_GiB, 64_MiB));
    EXPECT_LT(row(plan, "files", kOsLayer).next, 200_MiB);
    EXPECT_GT(row(plan, "busy").target, 600_MiB);
    ASSERT_TRUE(order_to(plan, "files"));
    EXPECT_EQ(order_to(plan, "files")->os_target->left_to_guest, row(plan, "files", kOsLayer).next);
}

TEST(OsLayer, DearPageCacheStaysAndTheHeapGives) {
    const GuestSeen files = a_guest("files", {held_at(an_os(300_MiB, 200_MiB, 50), 300_MiB)});
    const GuestSeen idle = a_guest("idle", {held_at(a_heap("heap", 400_MiB, 100_MiB, 1_GiB), 400_MiB)});
    const HostPlan plan = plan_for({files, idle, busy()}, rules_for(1_GiB, 64_MiB));
    EXPECT_GE(row(plan, "files", kOsLayer).target, 300_MiB);
    EXPECT_EQ(row(plan, "idle").target, 100_MiB) << "what costs nothing goes first";
}

TEST(OsLayer, WithinOneGuestTheCheaperLayerGivesFirst) {
    GuestLimits limits;
    limits.max = 700_MiB;
    const HostRules rules = rules_for(4_GiB, 64_MiB, limits);
    const auto both = [](double slope) {
        return a_guest("both", {held_at(a_heap("heap", 500_MiB, 100_MiB, 500_MiB, 2e7), 500_MiB),
                                held_at(an_os(400_MiB, 300_MiB, slope), 400_MiB)});
    };
    const HostPlan cheap = plan_for({both(0.001)}, rules);
    EXPECT_LT(row(cheap, "both", kOsLayer).target, 200_MiB);
    EXPECT_GT(row(cheap, "both").target, 400_MiB);
    const HostPlan dear = plan_for({both(100)}, rules);
    EXPECT_GE(row(dear, "both", kOsLayer).target, 400_MiB);
    EXPECT_LT(row(dear, "both").target, 300_MiB);
}

// Random hosts: at the optimum nothing that was taken is worth less than anything that was left out, heap or cache.
TEST(OsLayer, AllLayersHaveOnePrice) {
    std::mt19937 random(17);
    const auto pick = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
    for (int round = 0; round < 300; ++round) {
        std::vector<GuestSeen> guests;
        for (int i = 0; i < 6; ++i) {
            const Bytes heap(static_cast<std::uint64_t>(pick(200, 900)) << 20U);
            const Bytes os(static_cast<std::uint64_t>(pick(200, 900)) << 20U);
            guests.push_back(
                a_guest("g" + std::to_string(i), {held_at(a_heap("heap", heap, 100_MiB, 1_GiB, pick(0, 2e8)), heap),
                                                  held_at(an_os(os, share_of(os, pick(0.1, 0.9)), pick(0, 5)), os)}));
        }
        const HostRules rules = rules_for(5_GiB, 256_MiB);
        const HostPlan plan = plan_for(guests, rules);
        Bytes planned;
        for (const GuestPlan& one : plan.guests) planned += one.target;
        EXPECT_LE(planned, rules.capacity());
        for (std::size_t g = 0; g < guests.size(); ++g) {
            for (const LayerSeen& layer : guests[g].layers) {
                const Bytes target = row(plan, guests[g].name, layer.name).target;
                EXPECT_GE(target, layer.floor);
                EXPECT_LE(target, layer.ceiling);
                const double slack = plan.price * 1e-9 + 1e-18;
                if (target > layer.floor + 4_KiB && target < layer.ceiling) {
                    EXPECT_GE(layer.curve.price_of_taking(target) + slack, plan.price) << layer.name;
                }
                if (target < layer.ceiling) {
                    EXPECT_LE(layer.curve.gain_of_giving(target), plan.price + slack) << layer.name;
                }
            }
        }
    }
}

TEST(OsLayer, AContainersHoldFollowsItsHeaps) {
    const GuestSeen shop = a_guest(
        "shop", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 300_MiB), held_at(an_os(200_MiB, 100_MiB, 1), 250_MiB)});
    const auto whole = [&](Bytes heap) { return container_target(shop, {}, {{"heap", HeapTarget{heap}}}); };
    EXPECT_EQ(whole(600_MiB)->left_to_guest, 850_MiB) << "a heap that may grow is not held by its container";
    EXPECT_EQ(whole(100_MiB)->left_to_guest, 350_MiB) << "nor does the cache take what a heap gives";
    GuestSeen free = shop;
    free.layers[1].target.reset();
    EXPECT_FALSE(container_target(free, {}, {{"heap", HeapTarget{600_MiB}}})) << "what is not held is not held for a heap";
    EXPECT_FALSE(container_target(a_guest("plain", {shop.layers[0]}), {}, {}));
}

TEST(OsLayer, AllThatItCanUseEndsTheHold) {
    const GuestSeen shop = a_guest("shop", {held_at(an_os(200_MiB, 100_MiB, 1), 200_MiB)});
    const std::vector<LayerOrder> all{{kOsLayer, HeapTarget{4_GiB}, 200_MiB, LayerKind::guest_os}};
    EXPECT_EQ(container_target(shop, {}, all)->left_to_guest, Bytes(Bytes::kLimit));
}

TEST(OsLayer, NoneIsHeldBeforeItHasToGive) {
    const GuestSeen roomy = a_guest("vm", {an_os(400_MiB, 300_MiB, 0.01, false)});
    EXPECT_FALSE(order_to(plan_for({roomy}, rules_for(4_GiB, 64_MiB)), "vm"));
    EXPECT_FALSE(order_to(plan_for({a_guest("box", {an_os(400_MiB, 300_MiB, 0.01)})}, rules_for(4_GiB, 64_MiB)), "box"));
    const HostPlan tight = plan_for({roomy, busy()}, rules_for(800_MiB, 64_MiB));
    ASSERT_TRUE(order_to(tight, "vm"));
    EXPECT_FALSE(order_to(tight, "vm")->os_target) << "its balloon does it";
    EXPECT_LT(row(tight, "vm", kOsLayer).next, 400_MiB);
}

TEST(OsLayer, AVirtualMachinesOsIsGivenBackWhatItMissesAndNoMore) {
    LayerSeen os = held_at(an_os(400_MiB, 300_MiB, 1, false), 450_MiB);
    const HostRules rules = rules_for(4_GiB, 64_MiB);
    EXPECT_FALSE(order_to(plan_for({a_guest("vm", {os})}, rules), "vm")) << "it has 50 MiB to spare";
    os.curve = *CostCurve::make({{100_MiB, 2.0}, {400_MiB, 1.0}, {600_MiB, 0.5}, {4_GiB, 0.5}});
    const HostPlan plan = plan_for({a_guest("vm", {os})}, rules);
    ASSERT_TRUE(order_to(plan, "vm")) << "it thrashes";
    EXPECT_GE(row(plan, "vm", kOsLayer).next, 600_MiB);
}

TEST(OsLayer, WhatABalloonTakesOrGivesLeavesTheHeapsTheirRoom) {
    const GuestSeen vm =
        a_guest("vm", {held_at(a_heap("heap", 200_MiB, 100_MiB, 1_GiB), 300_MiB), an_os(500_MiB, 400_MiB, 1, false)});
    const auto share = [&](Bytes target) {
        return os_layer_share(vm, 1_GiB, {kOsLayer, HeapTarget{target}, 500_MiB, LayerKind::guest_os});
    };
    EXPECT_EQ(share(400_MiB).takes, 324_MiB) << "of 1 GiB 300 MiB are the heap's";
    EXPECT_TRUE(share(400_MiB).gives.is_zero());
    EXPECT_EQ(share(800_MiB).gives, 76_MiB);
}

TEST(OsLayer, AGuestThatHasJustStalledKeepsItsCache) {
    HostState state;
    const GuestSeen files = a_guest("files", {held_at(an_os(700_MiB, 600_MiB, 0.01), 700_MiB)});
    const HostRules rules = rules_for(1_GiB, 64_MiB);
    note_urgent(state, files, "", 64_MiB, rules, kStart);
    const HostPlan plan = plan_for({files, busy()}, rules, state);
    EXPECT_FALSE(order_to(plan, "files"));
    EXPECT_THAT(row(plan, "files", kOsLayer).why, HasSubstr("stalled"));
}

TEST(OsLayer, WhatHeapsLendItIsNoDelay) {
    HostState state;
    note_ordered(state, {"session:shop", kOsLayer}, 200_MiB, kStart);
    // Held to 600 MiB in all; the heap uses 100 MiB of its 400, the cache has the rest.
    GuestSeen shop = a_guest(
        "shop", {held_at(a_heap("heap", 100_MiB, 50_MiB, 1_GiB), 400_MiB), held_at(an_os(450_MiB, 400_MiB, 1), 200_MiB)});
    const auto after = [&](const GuestSeen& guest) {
        HostState kept = state;
        for (int i = 0; i < 10; ++i) kept = carry_over({{guest}, false}, kept, rules_for(4_GiB, 64_MiB), kStart + i * 1s);
        return kept.tracks.at({"session:shop", kOsLayer});
    };
    EXPECT_FALSE(after(shop).aside_since);
    shop.layers[0].footprint = 400_MiB;
    EXPECT_TRUE(after(shop).aside_since) << "now it holds what it should have given";
}

TEST(Tracking, WhoGoesOnByAnOlderTargetIsStuck) {
    HostState state;
    note_ordered(state, {"session:deaf", "heap"}, 100_MiB, kStart);
    const GuestSeen deaf = a_guest("deaf", {held_at(a_heap("heap", 400_MiB, 50_MiB, 1_GiB), 400_MiB)});
    for (int i = 0; i < 10; ++i) state = carry_over({{deaf}, false}, state, rules_for(4_GiB, 64_MiB), kStart + i * 1s);
    EXPECT_TRUE(state.tracks.at({"session:deaf", "heap"}).aside_since);
}

TEST(OsLayer, OperatorsOrderHeapsAbout) {
    const GuestSeen shop = a_guest("shop", {a_heap("heap", 300_MiB, 100_MiB, 1_GiB), an_os(700_MiB, 600_MiB, 0.01)});
    const auto order = split_squeeze(shop, "", 150_MiB);
    ASSERT_TRUE(order);
    ASSERT_EQ(order->layers.size(), 1U);
    EXPECT_EQ(order->layers[0].layer, "heap");
    EXPECT_FALSE(split_squeeze(shop, kOsLayer, 100_MiB));
}

TEST(OsLayer, ThePlanTellsItsGuestWhatIsAboutToBeTaken) {
    const GuestSeen files = a_guest("files", {held_at(an_os(700_MiB, 600_MiB, 0.01), 700_MiB)});
    const HostPlan plan = plan_for({files, busy()}, rules_for(1_GiB, 64_MiB));
    const Bytes next = row(plan, "files", kOsLayer).next;
    EXPECT_EQ(plan.guests[0].takes, saturating_sub(700_MiB, next));
    EXPECT_EQ(plan.guests[1].takes, Bytes());
    EXPECT_EQ(plan.policy, "price");
}

TEST(OsLayer, APolicyThatLeavesHeapsAloneMovesIt) {
    HostRules rules = rules_for(1_GiB, 64_MiB);
    rules.policy = policy_named("guest-only");
    const GuestSeen both = a_guest(
        "both", {held_at(a_heap("heap", 300_MiB, 100_MiB, 1_GiB), 300_MiB), held_at(an_os(700_MiB, 600_MiB, 10), 700_MiB)});
    const HostPlan plan = plan_for({both}, rules);
    EXPECT_THAT(row(plan, "both").why, HasSubstr("left alone by policy"));
    EXPECT_LT(row(plan, "both", kOsLayer).next, 700_MiB);
}

}  // namespace
}  // namespace aerostat::host
