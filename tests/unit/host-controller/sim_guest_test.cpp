#include <gtest/gtest.h>

#include "tests/unit/host-controller/sim_builders.h"

namespace aerostat::host::sim {
namespace {

TEST(LoadModel, ADayHasItsPeakAtNoonAndBurstsTheirShareOfTime) {
    LoadModel day{LoadShape::day_night, 0.8, 0.1, 24h, 0, 0};
    EXPECT_NEAR(load_at(day, 0h, 0, 1, 1), 0.1, 1e-9);
    EXPECT_NEAR(load_at(day, 12h, 0, 1, 1), 0.8, 1e-9);
    day.spread = 0.5;
    EXPECT_NEAR(load_at(day, 0h, 1, 2, 1), 0.45, 1e-9) << "the second of two is a quarter of a day ahead";
    const LoadModel bursts{LoadShape::bursts, 1, 0, 1min, 0, 0.2};
    int busy = 0;
    for (int minute = 0; minute < 10'000; ++minute) busy += load_at(bursts, minute * 1min, 3, 9, 1) > 0.5 ? 1 : 0;
    EXPECT_NEAR(busy, 2000, 150);
}

TEST(SimGuest, FillsWhatItMayAndPaysKOverRoom) {
    const GuestGroup group = a_group("shop");
    Guest guest(group, 0, 1, 0);
    guest.take({"heap", {1424_MiB}});
    run_for(guest, 0s, 60s);
    const Layer& heap = *guest.layer("heap");
    EXPECT_EQ(heap.footprint, 1424_MiB);
    // K = live x allocation / speed = 400 MiB x 100 MiB/s / 2 GiB/s; room = 1 GiB.
    EXPECT_NEAR(heap.cost, 400.0 * 100 / 2048 / 1024, 1e-6);
    EXPECT_NEAR(heap.curve.evaluate(1424_MiB), heap.cost, heap.cost * 0.1) << "an honest report";
    EXPECT_EQ(guest.resident(), 1424_MiB + group.fixed);
}

TEST(SimGuest, TakesWhatItCannotDoWithoutWhateverItsTarget) {
    const GuestGroup group = a_group("shop");
    Guest guest(group, 0, 1, 0);
    guest.take({"heap", {100_MiB}});
    run_for(guest, 0s, 10s);
    EXPECT_GE(guest.layer("heap")->footprint, 400_MiB);
    EXPECT_TRUE(guest.seen().layers[0].distress);
}

TEST(SimGuest, GivesAtTheSpeedOfItsNature) {
    for (const auto& [nature, left] :
         {std::pair(Nature::ideal, 1000_MiB), std::pair(Nature::slow, 1848_MiB), std::pair(Nature::stuck, 2048_MiB)}) {
        const GuestGroup group = a_group("shop", nature);
        Guest guest(group, 0, 1, 0);
        run_for(guest, 0s, 60s);
        guest.take({"heap", {1000_MiB}});
        run_for(guest, 60s, 10s);
        EXPECT_EQ(guest.layer("heap")->footprint, left);
    }
}

TEST(SimGuest, LoadsNoFasterThanItCan) {
    GuestGroup group = a_group("batch");
    group.heap->loads = 50_MiB;
    group.heap->allocates = Bytes();
    Guest guest(group, 0, 1, 0);
    guest.take({"heap", {16_MiB}});
    run_for(guest, 0s, 3s);
    EXPECT_EQ(guest.layer("heap")->live, 150_MiB);
    EXPECT_TRUE(guest.seen().layers[0].distress);
    run_for(guest, 3s, 10s);
    EXPECT_EQ(guest.layer("heap")->live, 400_MiB) << "all that its load asks for";
}

TEST(SimGuest, AFirmOneKeepsMoreThanItSays) {
    const GuestGroup group = a_group("shop", Nature::firm);
    Guest guest(group, 0, 1, 0);
    run_for(guest, 0s, 60s);
    const Bytes floor = guest.seen().layers[0].floor;
    guest.take({"heap", {floor}});
    run_for(guest, 60s, 10s);
    EXPECT_EQ(guest.layer("heap")->footprint, floor + 200_MiB);
    EXPECT_TRUE(guest.layer("heap")->at_limit);
}

TEST(SimGuest, ALiarClaimsFiftyTimesTheCost) {
    const GuestGroup group = a_group("liar", Nature::lying);
    Guest guest(group, 0, 1, 0);
    run_for(guest, 0s, 60s);
    EXPECT_GT(guest.seen().layers[0].curve.evaluate(1_GiB), 0.5);
    EXPECT_LT(guest.cost(), 0.05);
}

TEST(SimGuest, OneThatDiesIsSilentFirstThenGoneThenANewOne) {
    GuestGroup group = a_group("web", Nature::dying);
    group.from = 1min;
    Guest guest(group, 0, 1, 0);
    run_for(guest, 0s, 60s);
    const GuestId before = guest.id();
    EXPECT_TRUE(guest.seen().connected);
    run_for(guest, 60s, 10s);
    EXPECT_FALSE(guest.seen().connected);
    EXPECT_GT(guest.resident(), 1_GiB) << "its processes are still there";
    run_for(guest, 70s, 30s);
    EXPECT_FALSE(guest.here());
    EXPECT_TRUE(guest.resident().is_zero());
    run_for(guest, 100s, 10min);
    EXPECT_TRUE(guest.here());
    EXPECT_NE(guest.id(), before);
}

TEST(SimGuest, OneThatMigratesWantsToBeLeftAloneFirst) {
    GuestGroup group = a_group("vm", Nature::migrating);
    group.from = 1min;
    Guest guest(group, 0, 1, 0);
    run_for(guest, 0s, 70s);
    EXPECT_TRUE(guest.seen().hands_off);
    run_for(guest, 70s, 1min);
    EXPECT_FALSE(guest.here());
}

}  // namespace
}  // namespace aerostat::host::sim
