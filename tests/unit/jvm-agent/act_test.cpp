#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/fake_jvm.h"

namespace aerostat::agent {
namespace {

using namespace literals;

TEST(Balloon, GivesBackAtLeastWhatIsAsked) {
    FakeJvm jvm;
    Balloon balloon(jvm);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(balloon.inflate_one());
    EXPECT_EQ(balloon.deflate(3_MiB), 4_MiB);
    EXPECT_EQ(balloon.size().granted, 16_MiB);
    EXPECT_EQ(balloon.deflate(1_GiB), 16_MiB);
    EXPECT_EQ(jvm.chunk_count(), 0U);
}

TEST(Balloon, CountsChunksThatTheCollectorTook) {
    FakeJvm jvm;
    Balloon balloon(jvm);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(balloon.inflate_one());
    jvm.clear_all_chunks();
    EXPECT_EQ(balloon.census(), 5U);
    EXPECT_EQ(balloon.cleared(), 5U);
    EXPECT_EQ(balloon.count(), 0U);
}

TEST(Balloon, ReleasesAgainOnlyChunksWhosePagesCameBack) {
    FakeJvm jvm;
    Balloon balloon(jvm);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(balloon.inflate_one());
    EXPECT_EQ(balloon.refill_pass(100, false), 0_B);
    EXPECT_EQ(jvm.strong_handles, 0);
    jvm.back_in_each_chunk = 1_MiB;
    EXPECT_EQ(balloon.refill_pass(100, false), 5_MiB);
    EXPECT_EQ(balloon.refills(), 5U);
}

TEST(Balloon, SaysWhatIsStillInMemory) {
    FakeJvm jvm;
    Balloon balloon(jvm);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(balloon.inflate_one());
    jvm.back_in_each_chunk = 64_KiB;  // too little to be worth a release
    EXPECT_EQ(balloon.refill_pass(100, false), 0_B);
    EXPECT_EQ(balloon.verified() + 256_KiB, 8_MiB);
}

LeverSight sight(FakeJvm& jvm, Bytes target, std::optional<Bytes> live = std::nullopt) {
    LeverSight seen;
    seen.heap = jvm.observe();
    seen.target = {target};
    seen.live = live;
    return seen;
}

TEST(Levers, ArePutBackAsTheyWere) {
    FakeJvm jvm;
    Levers levers(jvm, &plan_g1_levers);
    ASSERT_TRUE(levers.pull(sight(jvm, 512_MiB)).value());
    ASSERT_TRUE(levers.pull(sight(jvm, 256_MiB, 128_MiB)).value());
    EXPECT_LT(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_TRUE(levers.drives_cycles());
    EXPECT_FALSE(levers.in_use().empty());
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flag("MinHeapFreeRatio"), 40);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_TRUE(levers.in_use().empty());
}

TEST(Levers, StopDrivingCyclesButKeepTheRatios) {
    FakeJvm jvm;
    Levers levers(jvm, &plan_g1_levers);
    ASSERT_TRUE(levers.pull(sight(jvm, 512_MiB)).value());
    ASSERT_TRUE(levers.stop_cycles(sight(jvm, 512_MiB)));
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 10);
}

TEST(Levers, UndoAPullThatWasRefusedHalfway) {
    FakeJvm jvm;
    jvm.refuse_flag = "G1PeriodicGCInterval";
    Levers levers(jvm, &plan_g1_levers);
    EXPECT_FALSE(levers.pull(sight(jvm, 512_MiB)));
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_EQ(jvm.flag("MinHeapFreeRatio"), 40);
}

TEST(Levers, NeverPassThroughMinAboveMaxWhicheverWayTheyGo) {
    FakeJvm jvm;  // its set() refuses Min > Max, as the JVM does
    Levers levers(jvm, &plan_g1_levers);
    for (const auto& [target, live] : {std::pair{256_MiB, 250_MiB}, {4_GiB, 1_GiB}, {300_MiB, 290_MiB}, {2_GiB, 900_MiB}})
        ASSERT_TRUE(levers.pull(sight(jvm, target, live))) << format_bytes(target);
    ASSERT_TRUE(levers.restore());
}

TEST(Levers, FollowTheBalloonWhereItCountsAsUsed) {
    FakeJvm jvm;
    jvm.flags["SoftMaxHeapSize"] = {static_cast<std::int64_t>(jvm.max.count()), false};
    Levers levers(jvm, &plan_soft_maximum);
    LeverSight seen = sight(jvm, 1_GiB);
    ASSERT_TRUE(levers.follow_balloon(seen));
    EXPECT_TRUE(jvm.flag_calls.empty()) << "nothing was pulled";
    ASSERT_TRUE(levers.pull(seen).value());
    seen.balloon = 512_MiB;
    ASSERT_TRUE(levers.follow_balloon(seen));
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), static_cast<std::int64_t>((1_GiB + 512_MiB).count()));
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), static_cast<std::int64_t>(jvm.max.count()));
}

TEST(Levers, ALimitIsRenewedByChangingIt) {
    FakeJvm jvm;
    jvm.flags["SoftMaxHeapSize"] = {static_cast<std::int64_t>(jvm.max.count()), false};
    Levers levers(jvm, &plan_soft_maximum);
    ASSERT_TRUE(levers.renew(sight(jvm, 1_GiB)));
    EXPECT_TRUE(jvm.flag_calls.empty());
    ASSERT_TRUE(levers.pull(sight(jvm, 1_GiB)).value());
    const auto planned = jvm.flag("SoftMaxHeapSize");
    ASSERT_TRUE(levers.renew(sight(jvm, 1_GiB)));
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), planned - 2 * 1024 * 1024);
    ASSERT_TRUE(levers.renew(sight(jvm, 1_GiB)));
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), planned) << "it does not wander";
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), static_cast<std::int64_t>(jvm.max.count()));
}

TEST(Levers, LeaveASettingToWhoeverChangesItMeanwhile) {
    FakeJvm jvm;
    jvm.flags["SoftMaxHeapSize"] = {static_cast<std::int64_t>(jvm.max.count()), false};
    Levers levers(jvm, &plan_soft_maximum);
    ASSERT_TRUE(levers.pull(sight(jvm, 1_GiB)).value());
    jvm.flags["SoftMaxHeapSize"].value = 12345;  // jcmd VM.set_flag
    ASSERT_TRUE(levers.follow_balloon(sight(jvm, 2_GiB)));
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), 12345);
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flag("SoftMaxHeapSize"), 12345);
    EXPECT_FALSE(levers.pull(sight(jvm, 1_GiB)).value()) << "it is theirs from then on";
    EXPECT_EQ(levers.left_alone(), "SoftMaxHeapSize");
}

TEST(Levers, WhatCouldNotBePutBackStaysToBeTriedAgain) {
    FakeJvm jvm;
    Levers levers(jvm, &plan_g1_levers);
    ASSERT_TRUE(levers.pull(sight(jvm, 512_MiB)).value());
    jvm.refuse_flag = "MaxHeapFreeRatio";
    EXPECT_FALSE(levers.restore());
    EXPECT_FALSE(levers.in_use().empty());
    jvm.refuse_flag.clear();
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
    EXPECT_TRUE(levers.in_use().empty());
}

TEST(OperationBook, KeepsTheLastSixtyFour) {
    OperationBook book;
    for (int i = 0; i < 70; ++i) {
        OperationResult result;
        result.op = "op" + std::to_string(i);
        book.add(std::move(result));
    }
    EXPECT_FALSE(book.find("op5"));
    EXPECT_TRUE(book.find("op6"));
    EXPECT_TRUE(book.find("op69"));
}

}  // namespace
}  // namespace aerostat::agent
