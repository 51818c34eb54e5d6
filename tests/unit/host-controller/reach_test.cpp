#include "host-controller/decide/reach.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/deciding_host.h"

// What orders that fell short teach.
namespace aerostat::host {
namespace {

using namespace testing;

const LayerKey kShop{"session:shop", "heap"};
const HostRules kRoomy = rules_for(1400_MiB, 64_MiB);  // memory is dear there, but none is missing

class ReachTest : public DecidingHost {
protected:
    // Two guests on a host that is too small for both: the shop's memory costs nothing.
    ReachTest() {
        seen_.guests = {a_guest("shop", {a_heap("heap", 600_MiB, 100_MiB, 2_GiB)}),
                        a_guest("bank", {a_heap("heap", 600_MiB, 100_MiB, 2_GiB, 4e8)})};
        for (GuestSeen& guest : seen_.guests) guest.layers[0].target = guest.layers[0].footprint;
    }
    void end_order(Bytes after, Bytes obtained, Bytes shortfall, EndReason reason, Duration at) {
        note_ordered(state_, kShop, saturating_sub(after, shortfall), kStart + at);
        note_outcome(state_, kShop, shop(), {after, obtained, shortfall, reason}, rules_, kStart + at);
    }
    LayerSeen& shop() { return seen_.guests[0].layers[0]; }
    LayerSeen& bank() { return seen_.guests[1].layers[0]; }
};

TEST_F(ReachTest, WhatALayerCannotGiveOthersHaveTo) {
    EXPECT_LT(row(tick(0s), "shop").target, 300_MiB);
    end_order(600_MiB, 1_MiB, 300_MiB, EndReason::floor, 1s);
    const HostPlan plan = tick(1s);
    EXPECT_EQ(row(plan, "shop").target, 600_MiB);
    EXPECT_EQ(row(plan, "shop").why, "goes no lower, as orders have shown");
    EXPECT_EQ(order_to(plan, "shop"), nullptr);
    ASSERT_NE(order_to(plan, "bank"), nullptr);
    EXPECT_LE(row(plan, "bank").next, 260_MiB);
}

TEST_F(ReachTest, OneThatGaveNothingIsAskedAgainAfterAWaitThatDoublesEachTime) {
    rules_ = kRoomy;
    Duration at = 0s;
    for (const Duration wait : {30s, 60s, 120s, 240s}) {
        end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, at);
        EXPECT_EQ(order_to(tick(at + wait - 1s), "shop"), nullptr) << to_seconds(wait);
        const HostPlan plan = tick(at + wait);
        ASSERT_NE(order_to(plan, "shop"), nullptr) << to_seconds(wait);
        EXPECT_EQ(row(plan, "shop").next, 350_MiB) << "half way between what it said and what it showed";
        EXPECT_EQ(row(plan, "shop").target, 600_MiB) << "others are counted on until it has brought something";
        at += wait + 3s;
    }
}

TEST_F(ReachTest, TheWaitIsNeverLongerThanAQuarterOfAnHourOrSo) {
    rules_ = kRoomy;
    for (int i = 0; i < 20; ++i) end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    EXPECT_NE(order_to(tick(16min), "shop"), nullptr);
}

TEST_F(ReachTest, ATryLeavesAGuestItsGuaranteedMinimum) {
    rules_.guests.insert(rules_.guests.begin(), {"shop", at_least(500_MiB)});
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    EXPECT_EQ(row(tick(31s), "shop").next, 450_MiB) << "with 50 MiB outside the heap";
}

TEST_F(ReachTest, TwoTriesInOneGuestTogetherLeaveItsMinimum) {
    seen_.guests[0] = a_guest("shop", {a_heap("heap", 300_MiB, 50_MiB, 2_GiB), a_heap("other", 300_MiB, 50_MiB, 2_GiB)});
    for (LayerSeen& heap : seen_.guests[0].layers) heap.target = 300_MiB;
    rules_.guests.insert(rules_.guests.begin(), {"shop", at_least(500_MiB)});
    for (const LayerSeen& heap : seen_.guests[0].layers) {
        const LayerKey key{"session:shop", heap.name};
        note_ordered(state_, key, 100_MiB, kStart);
        note_outcome(state_, key, heap, {300_MiB, 0_MiB, 200_MiB, EndReason::floor}, rules_, kStart);
    }
    const HostPlan plan = tick(31s);
    EXPECT_GE(row(plan, "shop", "heap").next + row(plan, "shop", "other").next + 50_MiB, 500_MiB);
}

TEST_F(ReachTest, NoneThatIsInNeedIsTried) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    const HostState before = state_;
    shop().distress = true;
    EXPECT_EQ(order_to(tick(31s), "shop"), nullptr) << "its collector is in trouble";
    shop().distress = false;
    for (const char* of : {"heap", ""}) {
        state_ = before;
        note_urgent(state_, seen_.guests[0], of, 10_MiB, rules_, kStart + 30s);
        const HostPlan plan = tick(31s);
        EXPECT_GE(row(plan, "shop").next, 600_MiB) << "the wish of '" << of << "'";
    }
    state_ = before;
    EXPECT_NE(order_to(tick(31s), "shop"), nullptr);
}

TEST_F(ReachTest, OneThatGaveSomethingIsAskedAgainSoonerThanOneThatGaveNothing) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 30s);
    end_order(500_MiB, 100_MiB, 150_MiB, EndReason::floor, 90s);
    shop().footprint = *(shop().target = 500_MiB);
    EXPECT_EQ(order_to(tick(119s), "shop"), nullptr);
    EXPECT_NE(order_to(tick(120s), "shop"), nullptr);
}

TEST_F(ReachTest, OneThatGoesLowerAfterAllIsAskedForTheRestAtOnce) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    end_order(350_MiB, 250_MiB, 0_MiB, EndReason::met, 31s);
    shop().footprint = *(shop().target = 350_MiB);
    EXPECT_LT(row(tick(33s), "shop").next, 350_MiB);
}

TEST_F(ReachTest, AFloorThatFellSinceThenIsBelievedOnce) {
    shop().floor = 300_MiB;
    end_order(600_MiB, 0_MiB, 200_MiB, EndReason::floor, 0s);
    EXPECT_EQ(order_to(tick(1s), "shop"), nullptr);
    shop().floor = 100_MiB;
    EXPECT_NE(order_to(tick(2s), "shop"), nullptr);
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 5s);
    shop().floor = 300_MiB;
    tick(6s);
    shop().floor = 100_MiB;
    EXPECT_EQ(order_to(tick(7s), "shop"), nullptr) << "it has said so before";
}

TEST_F(ReachTest, ALayerThatIsSeenLowerCanGoLower) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    shop().footprint = 400_MiB;
    tick(1s);
    shop().footprint = 700_MiB;
    const HostPlan plan = tick(2s);
    EXPECT_EQ(row(plan, "shop").next, 400_MiB);
}

TEST_F(ReachTest, ItIsNeitherBehindNorStuckWhereItHasShownItGoesNoLower) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    shop().target = 300_MiB;
    for (int second = 1; second < 29; ++second) tick(second * 1s);
    EXPECT_FALSE(state_.tracks.at(kShop).aside_since);
}

TEST_F(ReachTest, WhatStoodInTheWayFromOutsideTeachesNothing) {
    for (const EndReason reason : {EndReason::deadline, EndReason::guest_pressure, EndReason::superseded,
                                   EndReason::cancelled, EndReason::disconnected, EndReason::paused, EndReason::met}) {
        end_order(600_MiB, 0_MiB, 300_MiB, reason, 0s);
        EXPECT_FALSE(state_.tracks.at(kShop).reach) << to_string(reason);
    }
}

TEST_F(ReachTest, AHostWhoseGuestsCannotGiveEnoughSaysSo) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    note_ordered(state_, {"session:bank", "heap"}, 300_MiB, kStart);
    note_outcome(state_, {"session:bank", "heap"}, bank(), {600_MiB, 0_MiB, 300_MiB, EndReason::floor}, rules_, kStart);
    const HostPlan plan = tick(1s);
    EXPECT_TRUE(plan.orders.empty());
    EXPECT_GT(plan.short_by, 300_MiB);
    EXPECT_EQ(plan.level, "critical");
}

TEST_F(ReachTest, AnOperatorsOrderCountsForMore) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    set_ceiling(state_, kShop, 300_MiB, std::nullopt);
    EXPECT_LE(row(tick(1s), "shop").target, 300_MiB);
    EXPECT_EQ(row(tick(30s), "shop").next, 350_MiB);
}

class MissingMemory : public ReachTest {
protected:
    MissingMemory() {
        rules_ = kRoomy;
        for (int i = 0; i < 5; ++i) end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
        EXPECT_EQ(order_to(tick(31s), "shop"), nullptr) << "its wait is of minutes by now";
    }
};

TEST_F(MissingMemory, IsLookedForAfterTheFirstWaitWhereMoreIsBookedThanThereIs) {
    rules_ = rules_for(1300_MiB, 64_MiB);
    EXPECT_EQ(order_to(tick(29s), "shop"), nullptr);
    EXPECT_EQ(row(tick(31s), "shop").next, 350_MiB);
}

TEST_F(MissingMemory, IsLookedForAfterTheFirstWaitInAGuestAboveItsMax) {
    GuestLimits limits;
    limits.max = 550_MiB;
    rules_.guests.insert(rules_.guests.begin(), {"shop", limits});
    EXPECT_EQ(row(tick(31s), "shop").next, 500_MiB) << "to its max, with 50 MiB outside the heap";
}

TEST_F(MissingMemory, OfAGuestThatCannotComeDownToItsMaxIsTakenFromOthersAndSaidToBeMissing) {
    GuestLimits limits;
    limits.max = 400_MiB;
    rules_.guests.insert(rules_.guests.begin(), {"shop", limits});
    const HostPlan before = tick(1s);
    EXPECT_LE(row(before, "bank").target + 700_MiB, rules_.capacity()) << "250 MiB of the shop's heap cannot be had";
    bank().floor = 600_MiB;
    bank().curve = a_heap("", 600_MiB, 600_MiB, 2_GiB, 4e8).curve;
    rules_.memory = 1300_MiB;
    const HostPlan plan = tick(2s);
    EXPECT_GT(plan.short_by, 60_MiB);
    EXPECT_TRUE(plan.short_by_as_told.is_zero());
}

TEST_F(MissingMemory, IsNotSaidToBeMissingForGoodWhereTheFloorsFit) {
    rules_ = rules_for(700_MiB, 64_MiB);
    const HostPlan plan = tick(31s);
    EXPECT_GT(plan.short_by, 100_MiB);
    EXPECT_TRUE(plan.short_by_as_told.is_zero());
    shop().floor = bank().floor = 500_MiB;
    const HostPlan worse = tick(32s);
    EXPECT_GT(worse.short_by_as_told, 400_MiB);
}

TEST_F(MissingMemory, OneThatGaveNothingHoweverOftenItWasAskedIsFlagged) {
    EXPECT_FALSE(state_.tracks.at(kShop).flagged);
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    tick(32s);
    EXPECT_TRUE(state_.tracks.at(kShop).flagged);
}

TEST_F(ReachTest, WhatATryBroughtCountsAlsoWhereItWasSeenBeforeItsOutcomeCame) {
    end_order(600_MiB, 0_MiB, 300_MiB, EndReason::floor, 0s);
    shop().footprint = *(shop().target = 350_MiB);
    tick(32s);
    end_order(350_MiB, 250_MiB, 0_MiB, EndReason::met, 33s);
    EXPECT_FALSE(state_.tracks.at(kShop).reach);
}

TEST_F(ReachTest, NothingIsLearnedOfALayerThatNobodyOrderedAbout) {
    note_outcome(state_, kShop, shop(), {600_MiB, 0_MiB, 300_MiB, EndReason::floor}, rules_, kStart);
    EXPECT_TRUE(state_.tracks.empty());
}

}  // namespace
}  // namespace aerostat::host
