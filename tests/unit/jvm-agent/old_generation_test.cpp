#include "jvm-agent/decide/old_generation.h"

#include <gtest/gtest.h>

#include "jvm-agent/decide/guard.h"
#include "tests/unit/jvm-agent/heap_on_paper.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

TimePoint at(Duration time) { return TimePoint{} + 1h + time; }

/// Of 4 GiB, the old generation's 2.5 GiB free, 16 MiB a chunk, and a reserve of 1 GiB.
HeapFacts with_old_generation() {
    HeapFacts heap = four_gib();
    heap.kind = CollectionKind::stop_the_world;
    heap.region = 16_MiB;
    heap.old = OldGeneration{2560_MiB, 20_MiB, 1_GiB};
    return heap;
}

TEST(PromotionAverage, FollowsALargePromotionAtOnceAndForgetsItSlowly) {
    PromotionAverage promotion;
    promotion.observe(10, 0, 100_MiB);
    EXPECT_EQ(promotion.value(), 0_B) << "what was there before tells nothing";
    promotion.observe(11, 0, 180_MiB);
    EXPECT_EQ(promotion.value(), 80_MiB);
    promotion.observe(12, 0, 180_MiB);
    EXPECT_EQ(promotion.value(), 60_MiB);
    promotion.observe(12, 0, 400_MiB);
    EXPECT_EQ(promotion.value(), 60_MiB) << "no young collection: nothing was promoted";
}

TEST(PromotionAverage, TakesWhatAFullCollectionFreedForNoPromotion) {
    PromotionAverage promotion;
    promotion.observe(10, 0, 800_MiB);
    promotion.observe(11, 1, 100_MiB);
    EXPECT_EQ(promotion.value(), 0_B);
    promotion.observe(12, 1, 130_MiB);
    EXPECT_EQ(promotion.value(), 30_MiB);
    promotion.observe(14, 1, 170_MiB);
    EXPECT_GE(promotion.value(), 20_MiB) << "two since the last look share what came";
    EXPECT_LE(promotion.value(), 30_MiB);
}

TEST(RefillHeadroom, IsWhatWasSetAsideAndNeverAllThatThereIs) {
    EXPECT_EQ(refill_headroom(512_MiB, 8_GiB), 512_MiB);
    EXPECT_LT(refill_headroom(512_MiB, 512_MiB), 512_MiB);
    EXPECT_EQ(refill_headroom(512_MiB, 0_B), 0_B);
}

TEST(OldGenerationRoom, EndsAtTheReserveAndLeavesPromotionsTheirs) {
    HeapFacts heap = with_old_generation();
    EXPECT_EQ(old_generation_room(heap, 0_B), 1_GiB);
    EXPECT_EQ(old_generation_room(heap, 1000_MiB), 16_MiB) << "what is left of the reserve, in whole chunks";
    EXPECT_EQ(old_generation_room(heap, 2_GiB), 0_B);
    heap.old->free = 400_MiB;
    const Bytes room = old_generation_room(heap, 0_B);
    EXPECT_GT(room, 0_B);
    EXPECT_LT(room + heap.old->promoted * 2, 400_MiB);
    heap.old->promoted = 200_MiB;
    EXPECT_EQ(old_generation_room(heap, 0_B), 0_B);
}

class ChunkPaceTest : public ::testing::Test {
protected:
    /// Of one chunk that has come at time zero.
    ChunkPaceTest() {
        pace.observe(heap, at(0s));
        pace.inflated(at(0s));
    }
    void young_gcs(std::uint64_t count, Duration when) {
        heap.young_gcs += count;
        heap.pauses += count;
        pace.observe(heap, at(when));
    }
    Bytes room(Duration when) { return pace.room(heap, 16_MiB, true, at(when)); }
    std::string why() { return ChunkPace::why_no_more(heap, 16_MiB); }

    HeapFacts heap = with_old_generation();
    ChunkPace pace;
};

TEST_F(ChunkPaceTest, TheFirstChunkMayComeAtOnce) {
    const ChunkPace fresh;
    EXPECT_EQ(fresh.room(heap, 0_B, true, at(0s)), 16_MiB);
}

TEST_F(ChunkPaceTest, LeavesSeveralYoungCollectionsBetweenTwoChunks) {
    EXPECT_EQ(room(10s), 0_B);
    EXPECT_NE(why().find("young collections"), std::string::npos);
    young_gcs(2, 20s);
    EXPECT_EQ(room(30s), 0_B);
    young_gcs(1, 40s);
    EXPECT_EQ(room(50s), 16_MiB);
}

TEST_F(ChunkPaceTest, NoneComesWhileAnotherIsStillOnItsWay) {
    young_gcs(9, 10s);
    EXPECT_EQ(pace.room(heap, 16_MiB, false, at(20s)), 0_B);
}

TEST_F(ChunkPaceTest, KeepsAwayFromCollectionsAndFromTheSectionBefore) {
    young_gcs(9, 10s);
    EXPECT_FALSE(pace.may_enter(at(10s + 9ms)));
    EXPECT_EQ(room(10s + 9ms), 0_B);
    EXPECT_TRUE(pace.may_enter(at(10s + 10ms)));
    pace.entered(at(11s));
    EXPECT_FALSE(pace.may_enter(at(11s + 9ms)));
    EXPECT_TRUE(pace.may_enter(at(11s + 10ms)));
}

TEST_F(ChunkPaceTest, SaysWhichLimitStandsInTheWay) {
    young_gcs(9, 10s);
    heap.old->reserve = 31_MiB;
    EXPECT_NE(why().find("refill-reserve"), std::string::npos);
    EXPECT_EQ(room(20s), 0_B);
    heap.old->reserve = 32_MiB;
    EXPECT_EQ(room(20s), 16_MiB);
    heap.old->free = 200_MiB;
    EXPECT_NE(why().find("old generation"), std::string::npos);
}

class OldGenerationGuardTest : public ::testing::Test {
protected:
    OldGenerationGuardTest() { static_cast<void>(judge(at(0s))); }
    GuardVerdict judge(TimePoint now) {
        GuardSight seen;
        seen.heap = heap;
        seen.balloon = 512_MiB;
        seen.application = 300_MiB;
        return guard.judge(seen, now);
    }
    HeapFacts heap = with_old_generation();
    Guard guard;
};

TEST_F(OldGenerationGuardTest, IsQuietWhileThereIsRoom) {
    EXPECT_EQ(judge(at(1s)).distress, "");
    heap.old->free = 40_MiB;
    EXPECT_EQ(judge(at(2s)).distress, "") << "twice of what is promoted";
}

TEST_F(OldGenerationGuardTest, LetsGoOfAllBeforeAFullCollectionComes) {
    heap.old->free = 39_MiB;
    const GuardVerdict verdict = judge(at(1s));
    EXPECT_EQ(verdict.distress, "full-gc-near");
    EXPECT_EQ(verdict.release, 512_MiB);
    EXPECT_FALSE(guard.may_inflate(at(2s)));
}

TEST_F(OldGenerationGuardTest, LetsGoOfAllAtTheFirstFullCollectionThatComesAllTheSame) {
    heap.full_gcs = 1;
    const GuardVerdict verdict = judge(at(1s));
    EXPECT_EQ(verdict.distress, "full-gc");
    EXPECT_EQ(verdict.release, 512_MiB);
}

TEST_F(OldGenerationGuardTest, LetsGoOfWhatTheGuestHasNoReserveForAnyMore) {
    heap.old->reserve = 400_MiB;
    const GuardVerdict verdict = judge(at(1s));
    EXPECT_EQ(verdict.distress, "refill-reserve");
    EXPECT_EQ(verdict.release, 112_MiB);
}

}  // namespace
}  // namespace aerostat::agent
