#include "jvm-agent/decide/lever_plan.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;

using Flags = std::map<std::string, FlagState, std::less<>>;

FlagReader reader(const Flags& flags) {
    return [&flags](std::string_view name) {
        const auto found = flags.find(name);
        return found == flags.end() ? std::nullopt : std::optional(found->second);
    };
}

Flags g1_defaults() {
    return {{"MinHeapFreeRatio", {40, false}},
            {"MaxHeapFreeRatio", {70, false}},
            {"G1PeriodicGCInterval", {0, false}},
            {"G1PeriodicGCInvokesConcurrent", {1, false}}};
}

LeverSight to(Bytes target, std::optional<Bytes> live = std::nullopt) {
    LeverSight seen;
    seen.heap = four_gib();
    seen.target = {target};
    seen.live = live;
    seen.application = 1_GiB;
    return seen;
}

std::int64_t bytes(Bytes value) { return static_cast<std::int64_t>(value.count()); }

TEST(G1Levers, LowerTheMinimumBeforeTheMaximum) {
    const Flags flags = g1_defaults();
    const LeverPlan plan = plan_g1_levers(reader(flags), to(512_MiB));
    ASSERT_EQ(plan.keep.size(), 2U);
    EXPECT_EQ(plan.keep[0].name, "MinHeapFreeRatio");
    EXPECT_LE(plan.keep[0].value, plan.keep[1].value);
    ASSERT_EQ(plan.cycle.size(), 1U);
    EXPECT_GT(plan.cycle[0].value, 0);
    EXPECT_TRUE(plan.drives);
}

TEST(G1Levers, LeaveAloneWhatTheOperatorSet) {
    Flags flags = g1_defaults();
    flags["MaxHeapFreeRatio"].by_operator = true;
    const LeverPlan plan = plan_g1_levers(reader(flags), to(512_MiB));
    EXPECT_TRUE(plan.keep.empty());
    EXPECT_EQ(plan.left_alone, "MaxHeapFreeRatio");
}

TEST(G1Levers, NeverDriveFullCollections) {
    Flags flags = g1_defaults();
    flags["G1PeriodicGCInvokesConcurrent"].value = 0;
    const LeverPlan plan = plan_g1_levers(reader(flags), to(512_MiB));
    EXPECT_TRUE(plan.cycle.empty());
    EXPECT_FALSE(plan.drives);
}

TEST(G1Levers, OnlyLookForGarbageInAHeapOfFixedSize) {
    const Flags flags = g1_defaults();
    LeverSight seen = to(512_MiB);
    seen.heap.minimum = seen.heap.committed = seen.heap.max;
    const LeverPlan plan = plan_g1_levers(reader(flags), seen);
    EXPECT_TRUE(plan.keep.empty());
    EXPECT_EQ(plan.cycle.size(), 1U);
}

TEST(G1Levers, FitTheFreeRatioToAKnownLiveSet) {
    const Flags flags = g1_defaults();
    const LeverPlan plan = plan_g1_levers(reader(flags), to(1_GiB, 512_MiB));
    ASSERT_EQ(plan.keep.size(), 2U);
    EXPECT_EQ(plan.keep[1].value, 50);
}

/// A heap that is to be so large by the next remark, 256 MiB of it occupied after the last collection.
LeverSight of_size(Bytes size, Bytes committed) {
    LeverSight seen = to(size, 200_MiB);
    seen.drive = false;
    seen.application = 256_MiB;
    seen.heap.committed = committed;
    seen.size = size;
    return seen;
}

TEST(G1Levers, ForAnExactSizeFitBothRatiosToWhatIsOccupied) {
    const Flags flags = g1_defaults();
    LeverSight seen = of_size(512_MiB, 700_MiB);
    seen.exact = true;
    const LeverPlan smaller = plan_g1_levers(reader(flags), seen);
    EXPECT_EQ(smaller.keep[1], (FlagSetting{"MaxHeapFreeRatio", 50}));
    EXPECT_LE(smaller.keep[0].value, 5);
    seen.heap.committed = 400_MiB;
    const LeverPlan larger = plan_g1_levers(reader(flags), seen);
    EXPECT_EQ(larger.keep[0], (FlagSetting{"MinHeapFreeRatio", 50})) << "above what the JVM has by itself";
    EXPECT_EQ(larger.keep[1], (FlagSetting{"MaxHeapFreeRatio", 50}));
    EXPECT_FALSE(larger.drives);
}

TEST(G1Levers, YieldingAreTheJvmsOwnAsIfThereWereNoBalloon) {
    const Flags flags = g1_defaults();
    LeverSight seen = to(512_MiB);
    seen.drive = false;
    seen.yields = true;
    seen.application = 600_MiB;
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[0], (FlagSetting{"MinHeapFreeRatio", 40}));
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[1].value, 70);
    seen.balloon = 1000_MiB;  // 400 of 2,000 MiB free, as 400 of 1,000 are without it
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[0].value, 20);
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[1].value, 46);
}

TEST(G1Levers, ForAnExactSizeCountEdenWhereTheRemarkDoes) {
    const Flags flags = g1_defaults();
    LeverSight seen = of_size(512_MiB, 700_MiB);
    seen.exact = seen.heap.counts_eden = true;
    seen.heap.used = 384_MiB;
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[1].value, 25);
    seen.heap.used = 600_MiB;
    EXPECT_EQ(plan_g1_levers(reader(flags), seen).keep[1].value, 1);
}

TEST(G1Levers, HoldABusyHeapByItsTimeRatioUnlessThatIsSomebodyElses) {
    Flags flags = g1_defaults();
    flags["GCTimeRatio"] = {12, false};
    LeverSight seen = of_size(512_MiB, 512_MiB);
    EXPECT_TRUE(plan_g1_levers(reader(flags), seen).hold.empty());
    seen.holds_busy = true;
    const LeverPlan plan = plan_g1_levers(reader(flags), seen);
    ASSERT_EQ(plan.hold.size(), 1U);
    EXPECT_EQ(plan.hold[0], (FlagSetting{"GCTimeRatio", 1}));
    EXPECT_EQ(plan.keep[0].value, 0) << "no remark makes it larger";
    flags["GCTimeRatio"].by_operator = true;
    EXPECT_TRUE(plan_g1_levers(reader(flags), seen).hold.empty());
}

TEST(SoftMaximum, CountsTheBalloonAsUsed) {
    const Flags flags{{"SoftMaxHeapSize", {bytes(4_GiB), false}}};
    LeverSight seen = to(512_MiB);
    seen.balloon = 2_GiB;
    const LeverPlan plan = plan_soft_maximum(reader(flags), seen);
    ASSERT_EQ(plan.keep.size(), 1U);
    EXPECT_EQ(plan.keep[0], (FlagSetting{"SoftMaxHeapSize", bytes(2_GiB + 512_MiB)}));
    EXPECT_TRUE(plan.follows_balloon);
}

TEST(SoftMaximum, DrivenItMayLieBelowWhatIsOccupiedButNotBelowWhatIsAlive) {
    const Flags flags{{"SoftMaxHeapSize", {bytes(4_GiB), false}}};
    EXPECT_EQ(plan_soft_maximum(reader(flags), to(64_MiB)).keep[0].value, bytes(64_MiB));
    EXPECT_EQ(plan_soft_maximum(reader(flags), to(64_MiB, 300_MiB)).keep[0].value, bytes(300_MiB));
    EXPECT_TRUE(plan_soft_maximum(reader(flags), to(64_MiB)).drives);
    EXPECT_FALSE(plan_soft_maximum(reader(flags), to(3_GiB)).drives) << "nothing is near it";
}

TEST(SoftMaximum, HeldItLeavesTheCollectorRoomAboveWhatIsOccupied) {
    const Flags flags{{"SoftMaxHeapSize", {bytes(4_GiB), false}}};
    LeverSight seen = to(512_MiB);
    seen.drive = false;
    const LeverPlan plan = plan_soft_maximum(reader(flags), seen);
    EXPECT_GT(plan.keep[0].value, bytes(1_GiB) * 4 / 3);
    EXPECT_FALSE(plan.drives);
}

TEST(SoftMaximum, HeldItLeavesTheHeadroomBelowWhichTheCollectorRunsCycleAfterCycleHoweverLittleIsAlive) {
    const Flags flags{{"SoftMaxHeapSize", {bytes(4_GiB), false}}};
    LeverSight seen = to(16_MiB, 4_MiB);
    seen.drive = false;
    seen.application = 4_MiB;
    seen.balloon = 1_GiB;
    seen.heap.headroom = 300_MiB;
    EXPECT_EQ(plan_soft_maximum(reader(flags), seen).keep[0].value, bytes(1_GiB + 304_MiB));
}

TEST(SoftMaximum, NeverPassesTheHeapAndLeavesAnOperatorsAlone) {
    Flags flags{{"SoftMaxHeapSize", {bytes(4_GiB), false}}};
    LeverSight seen = to(3_GiB);
    seen.balloon = 2_GiB;
    EXPECT_EQ(plan_soft_maximum(reader(flags), seen).keep[0].value, bytes(4_GiB));
    flags["SoftMaxHeapSize"].by_operator = true;
    const LeverPlan plan = plan_soft_maximum(reader(flags), seen);
    EXPECT_TRUE(plan.keep.empty());
    EXPECT_EQ(plan.left_alone, "SoftMaxHeapSize");
}

TEST(SafeOrder, NeverLetsTheMinimumPassTheMaximum) {
    const Flags low{{"MinHeapFreeRatio", {5, false}}, {"MaxHeapFreeRatio", {10, false}}};
    const Flags high = g1_defaults();
    const std::vector<FlagSetting> up{{"MinHeapFreeRatio", 40}, {"MaxHeapFreeRatio", 70}};
    const std::vector<FlagSetting> down{{"MaxHeapFreeRatio", 10}, {"MinHeapFreeRatio", 5}};
    EXPECT_EQ(in_safe_order(up, reader(low))[0].name, "MaxHeapFreeRatio");
    EXPECT_EQ(in_safe_order(down, reader(high))[0].name, "MinHeapFreeRatio");
}

TEST(AskedCycles, DriveAsTheSoftMaximumHolds) {
    const FlagReader flags = [](std::string_view name) {
        return name == "SoftMaxHeapSize" ? std::optional(FlagState{4LL << 30, false}) : std::nullopt;
    };
    LeverSight seen;
    seen.heap = four_gib();
    seen.target = {1_GiB};
    EXPECT_TRUE(plan_asked_cycles(flags, seen).collects_fully);
    EXPECT_EQ(plan_asked_cycles(flags, seen).keep, plan_soft_maximum(flags, seen).keep);
    seen.drive = false;
    EXPECT_FALSE(plan_asked_cycles(flags, seen).collects_fully);
    EXPECT_FALSE(plan_asked_cycles(flags, seen).drives);
}

}  // namespace
}  // namespace aerostat::agent
