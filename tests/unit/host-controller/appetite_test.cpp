#include "host-controller/decide/appetite.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/deciding_host.h"

// Guests that have just begun to work, and memory that is given and not used.
namespace aerostat::host {
namespace {

using namespace testing;

class AppetiteTest : public DecidingHost {
protected:
    // One that says that memory is worth a lot to it, and one to which it is worth something.
    AppetiteTest() {
        seen_.guests = {a_guest("first", {a_heap("heap", 100_MiB, 40_MiB, 2_GiB, 4e9)}),
                        a_guest("second", {a_heap("heap", 100_MiB, 40_MiB, 2_GiB, 4e7)})};
    }
    static void watched_for(LayerSeen& heap, Duration time) { heap.known_for = heap.curve_seen = time; }
    void both_watched_for(Duration time) {
        for (GuestSeen& guest : seen_.guests) watched_for(guest.layers[0], time);
    }
    LayerSeen& first() { return seen_.guests[0].layers[0]; }
    LayerSeen& second() { return seen_.guests[1].layers[0]; }
};

TEST_F(AppetiteTest, NobodyStarvesBesideAGuestWhoseStartLooksDear) {
    EXPECT_LT(row(tick(), "second").target, 164_MiB) << "by their curves";
    both_watched_for(3s);
    EXPECT_GE(row(tick(), "second").target, 164_MiB);
}

TEST_F(AppetiteTest, WhatAYoungOneIsLeftHasToBeFreeFirst) {
    first().footprint = 760_MiB;
    seen_.guests[0].charged = 810_MiB;
    both_watched_for(3s);
    const HostPlan plan = tick();
    EXPECT_EQ(row(plan, "second").next, 100_MiB) << "held where it is";
}

TEST_F(AppetiteTest, TheFirstOfThoseThatStartTogetherDoesNotTakeAllThatIsFree) {
    GuestSeen later = seen_.guests.back();
    seen_.guests.pop_back();
    watched_for(first(), 0s);
    const Bytes free = tick().free;
    ASSERT_GT(free, 512_MiB);
    EXPECT_EQ(row(tick(), "first").next, 100_MiB + 256_MiB);
    watched_for(first(), 16s);
    EXPECT_GT(row(tick(), "first").next, 600_MiB);
    watched_for(first(), 0s);
    note_ordered(state_, {"session:first", "heap"}, 356_MiB, kStart);
    seen_.guests.push_back(later);
    watched_for(second(), 0s);
    EXPECT_GE(row(tick(), "second").next, 164_MiB) << "not held where it is";
}

TEST_F(AppetiteTest, AYoungOneKeepsWhatItHoldsAndMayGrow) {
    watched_for(first(), 3s);
    first().curve = CostCurve::flat(40_MiB, 2_GiB);  // it has not collected yet: all is free to take, by its curve
    second().curve = a_heap("heap", 0_B, 40_MiB, 2_GiB, 4e9).curve;
    const HostPlan plan = tick();
    EXPECT_EQ(row(plan, "first").target, 164_MiB);
    EXPECT_EQ(row(plan, "first").why, "has just begun to work");
    watched_for(first(), 16s);
    EXPECT_EQ(row(tick(), "first").target, 40_MiB);
}

TEST_F(AppetiteTest, OneThatLoadsOrHasStoodStillIsYoungForLongerButNotForever) {
    first().curve = CostCurve::flat(40_MiB, 2_GiB);
    second().curve = a_heap("heap", 0_B, 40_MiB, 2_GiB, 4e9).curve;
    first().curve_seen = 2s;
    first().known_for = 59s;
    EXPECT_EQ(row(tick(), "first").why, "has just begun to work");
    first().known_for = 60s;
    EXPECT_EQ(row(tick(), "first").target, 40_MiB) << "whatever it says";
    first().known_for.reset();
    EXPECT_EQ(row(tick(), "first").target, 40_MiB);
    first().known_for = 3s;
    first().curve_seen.reset();
    EXPECT_EQ(row(tick(), "first").target, 40_MiB) << "an agent that does not say how much it has seen";
}

TEST_F(AppetiteTest, WhereNotAllCanGrowTheyKeepWhatTheyHoldAndElseOnlyFloorsCount) {
    both_watched_for(3s);
    first().footprint = second().footprint = 350_MiB;
    for (GuestSeen& guest : seen_.guests) guest.charged = 400_MiB;
    HostPlan plan = tick();
    EXPECT_GE(row(plan, "first").target, 350_MiB);
    EXPECT_GE(row(plan, "second").target, 350_MiB);
    EXPECT_TRUE(plan.short_by.is_zero());
    first().footprint = second().footprint = 600_MiB;
    for (GuestSeen& guest : seen_.guests) guest.charged = 650_MiB;
    plan = tick();
    EXPECT_TRUE(plan.short_by.is_zero()) << "floors fit";
    EXPECT_LT(row(plan, "second").target, 600_MiB);
}

TEST_F(AppetiteTest, WhatIsGivenAndNotUsedGoesToThoseWhoWouldUseIt) {
    first().target = 700_MiB;
    second().target = 150_MiB;
    EXPECT_GT(row(tick(0s), "first").target, 600_MiB);
    EXPECT_GT(row(tick(9s), "first").target, 600_MiB);
    note_ordered(state_, {"session:first", "heap"}, 700_MiB, kStart);
    tick(10s);
    const HostPlan plan = tick(20s);
    EXPECT_LT(row(plan, "first").next, 400_MiB) << "at once, for nobody holds it";
    EXPECT_GT(row(plan, "second").target, 300_MiB);
}

TEST_F(AppetiteTest, OneThatGrowsIntoWhatItHasBeenGivenKeepsIt) {
    first().target = 700_MiB;
    note_ordered(state_, {"session:first", "heap"}, 700_MiB, kStart);
    for (int second = 0; second < 20; ++second) {
        first().footprint = 100_MiB + 50_MiB * static_cast<std::uint64_t>(second);
        seen_.guests[0].charged = first().footprint + 50_MiB;
        if (first().footprint > 500_MiB) break;
        EXPECT_GT(row(tick(second * 1s), "first").target, 600_MiB) << second;
    }
}

// The heap of a program that would gain by more memory, says its curve, and never takes it, beside one that fills what it
// may.
class UnusedRoom : public AppetiteTest {
protected:
    UnusedRoom() {
        seen_.guests[1] = a_guest("second", {a_heap("heap", 88_MiB, 40_MiB, 2_GiB, 4e7)});
        first().target = 744_MiB;
        second().target = 88_MiB;
        seen_.guests[0].charged = 150_MiB;
        note_ordered(state_, {"session:first", "heap"}, 744_MiB, kStart);
        note_ordered(state_, {"session:second", "heap"}, 88_MiB, kStart);
    }
    // Orders are obeyed within the second.
    void follow(Duration at) {
        const HostPlan plan = tick(at);
        for (const GuestOrder& order : plan.orders) {
            GuestSeen& guest = seen_.guests[order.guest == "session:first" ? 0 : 1];
            guest.layers[0].target = order.layers[0].target.footprint;
            note_ordered(state_, {order.guest, "heap"}, *guest.layers[0].target, kStart + at + 1s);
            ++orders_;
        }
        second().footprint = std::min(*second().target, second().footprint + 100_MiB);
        least_ = std::min(least_, second().footprint);
        seen_.guests[0].charged = first().footprint + 50_MiB;
        seen_.guests[1].charged = second().footprint + 50_MiB;
    }
    int orders_ = 0;
    Bytes least_ = 2_GiB;
};

TEST_F(UnusedRoom, GoesToAnotherOnceAndForAll) {
    for (int second = 0; second < 180; ++second) follow(second * 1s);
    EXPECT_LE(orders_, 6) << "in three minutes";
    EXPECT_EQ(first().target, 164_MiB);
    EXPECT_GT(second().footprint, 450_MiB);
    EXPECT_GE(least_, 88_MiB);
    const int before = orders_;
    for (int second = 180; second < 360; ++second) follow(second * 1s);
    EXPECT_EQ(orders_, before);
}

TEST_F(UnusedRoom, IsGivenAnewToOneThatHasGrownIntoHalfOfWhatItWasLeft) {
    for (int second = 0; second < 60; ++second) follow(second * 1s);
    ASSERT_EQ(first().target, 164_MiB);
    first().footprint = 120_MiB;
    follow(60s);
    follow(61s);
    EXPECT_EQ(first().target, 164_MiB) << "breathing";
    first().footprint = 140_MiB;
    for (int second = 62; second < 72; ++second) follow(second * 1s);
    EXPECT_GT(*first().target, 500_MiB);
}

TEST(FlatAbove, IsTheCurveUpToThereAndLevelBeyond) {
    const CostCurve curve = CostCurve::hyperbola(1e9, 50_MiB, 100_MiB, 2_GiB);
    for (const Bytes most : {50_MiB, 100_MiB, 101_MiB, 500_MiB, 1999_MiB, 2_GiB, 3_GiB}) {
        const CostCurve flat = flat_above(curve, most);
        EXPECT_EQ(flat.floor(), curve.floor());
        EXPECT_EQ(flat.ceiling(), curve.ceiling());
        for (const Bytes at : {100_MiB, 120_MiB, 400_MiB, 900_MiB, 2_GiB}) {
            const double there = curve.evaluate(std::clamp(at, curve.floor(), std::max(most, curve.floor())));
            EXPECT_GE(flat.evaluate(at), there * (1 - 1e-9));
            EXPECT_LE(flat.evaluate(at), there * 1.5) << "nearly";
        }
    }
}

}  // namespace
}  // namespace aerostat::host
