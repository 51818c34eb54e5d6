#include <gtest/gtest.h>

#include "host-controller/decide/shortage.h"
#include "tests/unit/host-controller/deciding_host.h"

// How many are asked for how much: each order costs its heap collections.
namespace aerostat::host {
namespace {

using namespace testing;

// Three that hold less than they may, and targets that come to more than there is.
class StepsTest : public DecidingHost {
protected:
    StepsTest() {
        seen_.guests = {a_guest("idle", {held_at(200_MiB, 320_MiB, 1e3)}), a_guest("busy", {held_at(230_MiB, 240_MiB, 1e3)}),
                        a_guest("other", {held_at(230_MiB, 240_MiB, 1e3)})};
    }
    static LayerSeen held_at(Bytes footprint, Bytes target, double k) {
        LayerSeen heap = a_heap("heap", footprint, 100_MiB, 2_GiB, k);
        heap.target = target;
        return heap;
    }
    [[nodiscard]] static Bytes left_to(const HostPlan& plan) {
        Bytes sum;
        for (const char* name : {"idle", "busy", "other"}) sum += row(plan, name).next + 50_MiB;
        return sum;
    }
};

TEST_F(StepsTest, WhileNobodyLacksMemoryItsUnusedRoomIsEnough) {
    rules_.memory = 1000_MiB;
    const HostPlan plan = tick();
    ASSERT_GT(plan.held, plan.capacity);
    EXPECT_TRUE(order_to(plan, "idle"));
    EXPECT_GE(row(plan, "idle").next, 200_MiB);
    EXPECT_FALSE(order_to(plan, "busy"));
    EXPECT_FALSE(order_to(plan, "other"));
    EXPECT_LE(left_to(plan), plan.capacity);
}

TEST_F(StepsTest, WhereMoreIsHeldThanThereIsAllAreAskedAtOnce) {
    rules_.memory = 800_MiB;
    const HostPlan plan = tick();
    ASSERT_GT(plan.charged, plan.capacity);
    for (const char* name : {"idle", "busy", "other"}) EXPECT_TRUE(order_to(plan, name)) << name;
}

TEST(Cover, WhatIsUnusedGoesFirstAndThenAllOfThoseWhoLoseLeast) {
    const std::vector<Spare> spares{{10_MiB, 50_MiB, 3}, {40_MiB, 60_MiB, 2}, {0_B, 80_MiB, 1}};
    const auto given = [&](Bytes missing) { return cover(spares, missing); };
    EXPECT_EQ(given(0_B), (std::vector<Bytes>{0_B, 0_B, 0_B}));
    EXPECT_EQ(given(30_MiB), (std::vector<Bytes>{0_B, 40_MiB, 0_B})) << "one is enough";
    EXPECT_EQ(given(45_MiB), (std::vector<Bytes>{10_MiB, 40_MiB, 0_B}));
    EXPECT_EQ(given(60_MiB), (std::vector<Bytes>{10_MiB, 40_MiB, 80_MiB}));
    EXPECT_EQ(given(1_GiB), (std::vector<Bytes>{50_MiB, 60_MiB, 80_MiB}));
}

// By the time the order is there such a heap has grown to its target, and would collect for next to nothing.
TEST_F(StepsTest, NobodyIsAskedForNextToNothingOfWhatItHolds) {
    seen_.guests = {a_guest("idle", {held_at(200_MiB, 300_MiB, 0)})};
    seen_.guests[0].layers[0].floor = 192_MiB;
    seen_.guests[0].layers[0].curve = CostCurve::flat(192_MiB, 2_GiB);
    seen_.guests.push_back(a_guest("busy", {held_at(600_MiB, 600_MiB, 1e9)}));
    const HostPlan plan = tick();
    ASSERT_LT(row(plan, "idle").target, 200_MiB);
    EXPECT_GE(row(plan, "idle").next, 204_MiB);
    EXPECT_LE(row(plan, "idle").next, 216_MiB);
}

}  // namespace
}  // namespace aerostat::host
