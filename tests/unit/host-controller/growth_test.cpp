#include "host-controller/decide/growth.h"

#include <gtest/gtest.h>

#include "host-controller/decide/policies.h"
#include "tests/unit/host-controller/deciding_host.h"

// Heaps that grow past their targets faster than others give.
namespace aerostat::host {
namespace {

using namespace testing;

class GrowthTest : public DecidingHost {
protected:
    // A batch job at its target and a service, at the price a little less than all there is.
    GrowthTest() {
        seen_.guests = {a_guest("batch", {a_heap("heap", 60_MiB, 40_MiB, 2_GiB, 1e7)}),
                        a_guest("service", {a_heap("heap", 700_MiB, 100_MiB, 2_GiB, 4e8)})};
        for (GuestSeen& guest : seen_.guests) {
            guest.layers[0].target = guest.layers[0].footprint;
            note_ordered(state_, {guest.id, "heap"}, guest.layers[0].footprint, kStart);
        }
    }
    void batch_holds(Bytes footprint, bool distress = true) {
        batch().footprint = batch().floor = footprint;
        batch().curve = a_heap("", footprint, footprint, 2_GiB, 1e7).curve;
        batch().distress = distress;
        seen_.guests[0].charged = footprint + 50_MiB;
    }
    /// Loads from 60 MiB, so much a second, until `to`.
    Duration load(Bytes a_second, Bytes to, Duration from = 0s) {
        Duration at = from;
        tick(at);
        while (batch().footprint < to) {
            batch_holds(std::min(to, batch().footprint + a_second));
            tick(at += 1s);
        }
        return at;
    }
    LayerSeen& batch() { return seen_.guests[0].layers[0]; }
    LayerSeen& service() { return seen_.guests[1].layers[0]; }
    [[nodiscard]] const Growth& growth() const { return *state_.tracks.at({"session:batch", "heap"}).growth; }
};

TEST_F(GrowthTest, OneThatGoesOnGrowingIsLeftWhatItComesToWhileOthersGive) {
    tick(0s);
    batch_holds(160_MiB);
    EXPECT_LT(row(tick(1s), "batch").target, 200_MiB) << "one step is none that goes on";
    batch_holds(260_MiB);
    const HostPlan plan = tick(2s);
    EXPECT_EQ(row(plan, "batch").target, 460_MiB) << "100 MiB/s for two seconds more";
    EXPECT_EQ(row(plan, "batch").why, "grows in need");
    EXPECT_LE(row(plan, "service").next, 400_MiB) << "more than is missing now is ordered at once";
}

TEST_F(GrowthTest, ItEndsWithTheGrowthAndIsNotBelievedOfOneThatOnlySaysSo) {
    const Duration at = load(100_MiB, 360_MiB);
    EXPECT_EQ(row(tick(at + 1s), "batch").target, 360_MiB) << "it stands still, still in distress";
    batch().distress = false;
    EXPECT_LT(row(tick(at + 2s), "batch").target, 400_MiB);
}

TEST_F(GrowthTest, FillingWhatItWasGivenIsNoNeed) {
    batch().target = 800_MiB;
    tick(0s);
    for (int second = 1; second < 5; ++second) {
        batch_holds(60_MiB + 100_MiB * static_cast<std::uint64_t>(second), false);
        tick(second * 1s);
    }
    EXPECT_EQ(growth().most, 0_B);
}

TEST_F(GrowthTest, FillingWhatItWasGivenForAnUrgentWishIsNeed) {
    tick(0s);
    note_urgent(state_, seen_.guests[0], "heap", 64_MiB, rules_, kStart);
    batch().target = 400_MiB;
    batch_holds(160_MiB, false);
    tick(1s);
    batch_holds(260_MiB, false);
    tick(2s);
    EXPECT_GT(growth().most, 150_MiB);
    EXPECT_LE(growth().most, 200_MiB);
    batch_holds(360_MiB, false);
    tick(8s);
    EXPECT_LE(growth().most, 200_MiB) << "its wish is long over";
}

TEST_F(GrowthTest, WhatItTookInNeedOnceIsKeptReadyForItBeyondTheReserve) {
    const Duration at = load(100_MiB, 360_MiB);
    EXPECT_EQ(tick(at + 5s).ready, 0_B) << "it holds it";
    batch().target = 60_MiB;
    note_ordered(state_, {"session:batch", "heap"}, 60_MiB, kStart + at);
    batch_holds(60_MiB, false);
    batch().floor = 40_MiB;
    const Bytes ready = tick(at + 10s).ready;
    EXPECT_EQ(ready, rules_.capacity() / 8) << "an eighth of what there is, at most";
    rules_ = rules_for(4_GiB, 200_MiB);
    const Bytes of_many = tick(at + 11s).ready;
    EXPECT_GT(of_many, 20_MiB);
    EXPECT_LT(of_many, 100_MiB) << "of 300 MiB, 200 are the reserve";
    rules_ = rules_for(4_GiB, 512_MiB);
    EXPECT_EQ(tick(at + 12s).ready, 0_B) << "the reserve will do";
}

TEST_F(GrowthTest, WhatIsKeptReadyIsNeitherGivenNorLeft) {
    load(100_MiB, 360_MiB);
    batch().target = 60_MiB;
    note_ordered(state_, {"session:batch", "heap"}, 60_MiB, kStart);
    batch_holds(60_MiB, false);
    service().footprint = *(service().target = 780_MiB);
    seen_.guests[1].charged = 830_MiB;
    const HostPlan plan = tick(20s);
    EXPECT_EQ(plan.ready, 120_MiB);
    EXPECT_LE(row(plan, "service").next + 160_MiB + plan.ready, rules_.capacity());
    ASSERT_NE(order_to(plan, "service"), nullptr);
}

TEST_F(GrowthTest, NobodyLacksMemoryBecauseSomeIsKeptReady) {
    load(100_MiB, 360_MiB);
    batch().target = 60_MiB;
    note_ordered(state_, {"session:batch", "heap"}, 60_MiB, kStart);
    batch_holds(60_MiB, false);
    service().footprint = service().floor = *(service().target = 750_MiB);
    service().curve = a_heap("", 750_MiB, 750_MiB, 2_GiB, 4e8).curve;
    const HostPlan plan = tick(20s);
    EXPECT_TRUE(plan.short_by.is_zero());
    EXPECT_LT(plan.ready, 60_MiB);
    EXPECT_GE(row(plan, "service").target, 750_MiB);
}

TEST_F(GrowthTest, HalfOfItIsForgottenInHalfAnHour) {
    load(100_MiB, 360_MiB);
    const LayerTrack& track = state_.tracks.at({"session:batch", "heap"});
    const Bytes most = may_grow_by(&track, 0_B, growth().most_at);
    EXPECT_GT(most, 200_MiB);
    EXPECT_EQ(may_grow_by(&track, 0_B, growth().most_at + 30min), most / 2);
    EXPECT_EQ(may_grow_by(&track, 360_MiB, growth().most_at), 0_B);
    EXPECT_EQ(may_grow_by(&track, 350_MiB, growth().most_at), 10_MiB);
    EXPECT_EQ(may_grow_by(nullptr, 0_B, kStart), 0_B);
}

TEST_F(GrowthTest, OnlyThePriceKeepsMemoryReady) {
    load(100_MiB, 360_MiB);
    batch().target = 60_MiB;
    batch_holds(60_MiB, false);
    rules_.policy = &static_shares();
    EXPECT_EQ(tick(20s).ready, 0_B);
}

// Both give; an order to them is under way when more is missing.
class OrderUnderWay : public GrowthTest {
protected:
    OrderUnderWay() {
        note_ordered(state_, {"session:service", "heap"}, 650_MiB, kStart + 6s);
        service().target = 650_MiB;
        tick(0s);
    }
};

TEST_F(OrderUnderWay, IsTightenedAtOnceWhereTheBudgetIsPassed) {
    batch_holds(400_MiB);
    const HostPlan plan = tick(1s);
    ASSERT_NE(order_to(plan, "service"), nullptr);
    EXPECT_LE(row(plan, "service").next, 460_MiB);
}

TEST_F(OrderUnderWay, IsLeftAloneWhereNothingIsMissing) {
    rules_ = rules_for(3_GiB, 64_MiB);
    EXPECT_EQ(order_to(tick(1s), "service"), nullptr);
}

TEST_F(OrderUnderWay, IsNotTightenedWhereAnOperatorGaveIt) {
    set_ceiling(state_, {"session:service", "heap"}, 650_MiB, std::nullopt);
    batch_holds(400_MiB);
    EXPECT_EQ(order_to(tick(1s), "service"), nullptr);
}

}  // namespace
}  // namespace aerostat::host
