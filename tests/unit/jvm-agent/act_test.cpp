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
    balloon.refill_pass(100, false);
    EXPECT_EQ(balloon.verified() + 256_KiB, 8_MiB);
}

TEST(Levers, ArePutBackAsTheyWere) {
    FakeJvm jvm;
    Levers levers(jvm);
    const HeapFacts heap = jvm.observe();
    ASSERT_TRUE(levers.pull(heap, {512_MiB}, std::nullopt).value());
    ASSERT_TRUE(levers.pull(heap, {256_MiB}, 128_MiB).value());
    EXPECT_LT(jvm.flags.max_free_ratio->value, 70);
    EXPECT_TRUE(levers.drives_cycles());
    EXPECT_FALSE(levers.in_use().empty());
    ASSERT_TRUE(levers.restore());
    EXPECT_EQ(jvm.flags.min_free_ratio->value, 40);
    EXPECT_EQ(jvm.flags.max_free_ratio->value, 70);
    EXPECT_EQ(jvm.flags.periodic_interval->value, 0);
    EXPECT_TRUE(levers.in_use().empty());
}

TEST(Levers, StopDrivingCyclesButKeepTheRatios) {
    FakeJvm jvm;
    Levers levers(jvm);
    ASSERT_TRUE(levers.pull(jvm.observe(), {512_MiB}, std::nullopt).value());
    ASSERT_TRUE(levers.stop_cycles());
    EXPECT_EQ(jvm.flags.periodic_interval->value, 0);
    EXPECT_EQ(jvm.flags.max_free_ratio->value, 10);
}

TEST(Levers, UndoAPullThatWasRefusedHalfway) {
    FakeJvm jvm;
    jvm.refuse_flag = "G1PeriodicGCInterval";
    Levers levers(jvm);
    EXPECT_FALSE(levers.pull(jvm.observe(), {512_MiB}, std::nullopt));
    EXPECT_EQ(jvm.flags.max_free_ratio->value, 70);
    EXPECT_EQ(jvm.flags.min_free_ratio->value, 40);
}

TEST(Levers, NeverPassThroughMinAboveMaxWhicheverWayTheyGo) {
    FakeJvm jvm;  // its set() refuses Min > Max, as the JVM does
    Levers levers(jvm);
    const HeapFacts heap = jvm.observe();
    for (const auto& [target, live] : {std::pair{256_MiB, 250_MiB}, {4_GiB, 1_GiB}, {300_MiB, 290_MiB}, {2_GiB, 900_MiB}})
        ASSERT_TRUE(levers.pull(heap, {target}, live)) << format_bytes(target);
    ASSERT_TRUE(levers.restore());
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
