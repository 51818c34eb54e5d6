#include "jvm-agent/decide/leisure_plan.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

class Leisure : public testing::Test {
protected:
    Leisure() {
        seen.heap.max = 1536_MiB;
        seen.heap.minimum = 8_MiB;
        seen.heap.region = 1_MiB;
        seen.heap.committed = 1536_MiB;
        seen.heap.grows_at_pauses = 1.0 / 13;
        seen.most_at_once = 1_GiB;
        aim_at(300_MiB);
        seen.ready = true;
    }
    void aim_at(Bytes target) { seen.target = seen.least = target; }
    void pass(Duration time, double paused = 0) {
        const TimePoint until = now + time;
        while (now < until) {
            now += 100ms;
            seen.heap.stopped += Duration(static_cast<Duration::rep>(1e8 * paused));
            plan.observe(seen, now);
        }
    }
    /// One that brings `gained`.
    void take_step(Bytes gained) {
        plan.step_began(seen, now);
        now += 300ms;
        seen.heap.committed = saturating_sub(seen.heap.committed, gained);
        plan.observe(seen, now);
        plan.step_ended(seen, now);
    }
    [[nodiscard]] Bytes step() const { return plan.step(seen, now); }
    /// Until it is held by its size again.
    Duration rest_after_growth() {
        seen.heap.committed = 900_MiB;
        plan.observe(seen, now);
        EXPECT_FALSE(plan.holds_by_size());
        seen.heap.committed = 300_MiB;
        const TimePoint since = now;
        while (!plan.holds_by_size() && now - since < 1h) pass(1s);
        return now - since;
    }
    LeisureSight seen;
    LeisurePlan plan;
    TimePoint now{1h};
};

TEST_F(Leisure, AHeapIsHeldByItsSizeWhenItHasBeenCalmForAWhile) {
    pass(9s);
    EXPECT_FALSE(plan.holds_by_size());
    pass(2s);
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, OneThatPausesMuchIsNot) {
    pass(10min, 0.03);
    EXPECT_FALSE(plan.holds_by_size());
    EXPECT_TRUE(step().is_zero());
}

TEST_F(Leisure, OneThatIsSmallYetIsHeldSoFromTheStartUntilItGrows) {
    seen.heap.committed = 384_MiB;
    seen.unfilled = seen.able = true;
    seen.ready = false;
    pass(100ms);
    EXPECT_TRUE(plan.holds_by_size());
    seen.heap.committed = 600_MiB;
    pass(100ms);
    EXPECT_FALSE(plan.holds_by_size());
    seen.heap.committed = 384_MiB;
    pass(20s);
    EXPECT_FALSE(plan.holds_by_size()) << "not again at once";
}

TEST_F(Leisure, OneThatHasChunksOrIsLargeOrPausesMuchIsNotHeldSoFromTheStart) {
    seen.able = true;
    seen.ready = false;
    seen.heap.committed = 384_MiB;
    pass(100ms);
    EXPECT_FALSE(plan.holds_by_size()) << "chunks";
    seen.unfilled = true;
    seen.heap.committed = 800_MiB;
    pass(100ms);
    EXPECT_FALSE(plan.holds_by_size()) << "large";
    seen.able = false;
    seen.heap.committed = 384_MiB;
    pass(6s, 0.05);
    seen.able = true;
    pass(100ms);
    EXPECT_FALSE(plan.holds_by_size()) << "pauses";
}

class Load : public Leisure {
protected:
    Load() {
        seen.also_busy = seen.able = true;
        seen.heap.grows_at_pauses = 0.5;
        pass(100ms, 0.1);
    }
};

TEST_F(Load, IsHeldBySizeAtOnceAlsoWhileAnOrderIsCarriedOut) {
    LeisurePlan fresh;
    seen.ready = false;
    seen.ordered = seen.disturbed = true;
    fresh.observe(seen, now);
    EXPECT_TRUE(fresh.holds_by_size());
    EXPECT_TRUE(fresh.step(seen, now).is_zero()) << "steps wait for the order's end";
}

TEST_F(Load, TakesAllItMayInOneStepAndLittleIsWorthwhile) {
    pass(10s, 0.1);
    EXPECT_EQ(step(), 1_GiB) << "most_at_once";
    seen.heap.committed = 340_MiB;
    EXPECT_EQ(step(), 40_MiB);
    seen.heap.committed = 320_MiB;
    EXPECT_TRUE(step().is_zero());
}

TEST_F(Load, MayMakeItLargerUnlessThatIsForPausesThatTakeTooMuchOfTheTime) {
    seen.heap.committed = 300_MiB;
    pass(10s, 0.1);
    seen.heap.committed = 900_MiB;
    pass(10s, 0.1);
    EXPECT_TRUE(plan.holds_by_size());
    pass(10s, 0.3);  // 0.5 of the time, for a heap of 300 of 768 MiB, and three quarters of that
    EXPECT_FALSE(plan.holds_by_size());
}

TEST_F(Leisure, TheSmallerTheHeapIsToBeTheCalmerItMustBe) {
    aim_at(100_MiB);
    pass(1min, 0.012);
    EXPECT_FALSE(plan.holds_by_size());
    aim_at(500_MiB);
    pass(1min, 0.012);
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, TheCalmIsCountedFromTheLastOrderOn) {
    pass(9s);
    seen.disturbed = true;
    pass(1min);
    seen.disturbed = false;
    pass(9s);
    EXPECT_FALSE(plan.holds_by_size());
    pass(2s);
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, OnceHeldByItsSizeItStaysSoWhateverOrdersCause) {
    pass(11s);
    seen.disturbed = true;
    seen.ready = false;
    pass(3s, 0.2);
    EXPECT_TRUE(plan.holds_by_size());
    EXPECT_TRUE(step().is_zero()) << "meanwhile";
    seen.disturbed = false;
    seen.ready = true;
    pass(100ms);
    EXPECT_FALSE(step().is_zero());
}

TEST_F(Leisure, OtherCollectorsAreNot) {
    seen.heap.grows_at_pauses = 0;
    pass(1min);
    EXPECT_FALSE(plan.holds_by_size());
}

TEST_F(Leisure, StepsAreBoundedAndApart) {
    pass(15s);
    EXPECT_EQ(step(), 128_MiB);
    take_step(128_MiB);
    EXPECT_TRUE(step().is_zero());
    pass(5s);
    EXPECT_EQ(step(), 128_MiB);
}

TEST_F(Leisure, OneTakesNoMoreThanThePartOfWhatIsFreeThatMayGoAtOnce) {
    pass(15s);
    seen.most_at_once = 50_MiB;
    EXPECT_EQ(step(), 50_MiB);
    seen.most_at_once = 20_MiB;
    EXPECT_TRUE(step().is_zero()) << "not worth a cycle";
    EXPECT_TRUE(plan.lacks_room(seen, now));
    EXPECT_FALSE(plan.has_steps_to_come(seen, now)) << "something else may find room";
    aim_at(80_MiB);
    EXPECT_EQ(step(), 20_MiB) << "of a small heap it is";
}

TEST_F(Leisure, TheyEndNearTheTargetOrTheLeastThatIsNeeded) {
    pass(15s);
    while (!step().is_zero()) {
        take_step(step());
        pass(5s);
    }
    EXPECT_GE(seen.heap.committed, 300_MiB);
    EXPECT_LE(seen.heap.committed, 375_MiB);
    EXPECT_TRUE(plan.take_converted());
    EXPECT_FALSE(plan.take_converted());
    aim_at(100_MiB);
    seen.least = 320_MiB;
    pass(1min);
    EXPECT_TRUE(step().is_zero());
}

TEST_F(Leisure, AStepInVainIsNotTriedAgainSoon) {
    pass(15s);
    Duration before{};
    for (int i = 0; i < 7; ++i) {
        ASSERT_FALSE(step().is_zero());
        take_step(1_MiB);
        const TimePoint since = now;
        while (step().is_zero() && now - since < 1h) pass(1s);
        EXPECT_GE(now - since, std::min<Duration>(before * 2 - 2s, 10min));
        before = now - since;
    }
    EXPECT_LE(before, 10min + 5s);
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, StepsInVainAmongOthersDoNotAddUp) {
    pass(15s);
    for (int i = 0; i < 4; ++i) {
        take_step(1_MiB);
        const TimePoint since = now;
        while (step().is_zero() && now - since < 1h) pass(1s);
        EXPECT_NEAR(to_seconds(now - since), 30, 2);
        take_step(128_MiB);
        pass(5s);
    }
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, AHeapThatGrowsAllTheSameIsLetGoForLongerEachTime) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    EXPECT_NEAR(to_seconds(rest_after_growth()), 30, 2);
    EXPECT_NEAR(to_seconds(rest_after_growth()), 60, 2);
    EXPECT_NEAR(to_seconds(rest_after_growth()), 120, 2);
    for (int i = 0; i < 5; ++i) rest_after_growth();
    EXPECT_NEAR(to_seconds(rest_after_growth()), 600, 2);
    pass(12min);
    EXPECT_NEAR(to_seconds(rest_after_growth()), 30, 2) << "it was content for a long time";
}

TEST_F(Leisure, CreepingBeyondItsSizeIsGrowth) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    for (int i = 0; i < 12 && plan.holds_by_size(); ++i) {
        seen.heap.committed += 10_MiB;
        plan.observe(seen, now += 1s);
    }
    EXPECT_FALSE(plan.holds_by_size());
    EXPECT_LE(seen.heap.committed, 390_MiB);
}

TEST_F(Leisure, GrowsToATargetThatIsClearlyHigherWhileItCollects) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    aim_at(340_MiB);
    ++seen.heap.young_gcs;
    pass(6s);
    EXPECT_TRUE(plan.growth(seen, now).is_zero()) << "not worth a cycle";
    aim_at(900_MiB);
    pass(6s);
    EXPECT_TRUE(plan.growth(seen, now).is_zero()) << "it does not collect";
    ++seen.heap.young_gcs;
    pass(6s);
    EXPECT_EQ(plan.growth(seen, now), 600_MiB);
    EXPECT_TRUE(plan.step(seen, now).is_zero());
}

TEST_F(Leisure, GrowthInVainRests) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    aim_at(900_MiB);
    ++seen.heap.young_gcs;
    pass(2s);
    ASSERT_FALSE(plan.growth(seen, now).is_zero());
    plan.step_began(seen, now);
    plan.step_ended(seen, now += 1s);
    for (int i = 0; i < 20; ++i) {
        ++seen.heap.young_gcs;
        plan.observe(seen, now += 1s);
        EXPECT_TRUE(plan.growth(seen, now).is_zero());
    }
}

TEST_F(Leisure, UpToAHigherTargetItIsNot) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    aim_at(900_MiB);
    pass(1s);
    seen.heap.committed = 880_MiB;
    pass(1s);
    EXPECT_TRUE(plan.holds_by_size());
}

TEST_F(Leisure, WhatCollectionsForAnOrderMakeOfItIsNoGrowthButToBeTakenBack) {
    seen.heap.committed = 300_MiB;
    pass(15s);
    seen.ordered = seen.disturbed = true;
    seen.heap.committed = 600_MiB;
    pass(2s);
    seen.ordered = seen.disturbed = false;
    pass(1s);
    EXPECT_TRUE(plan.holds_by_size());
    EXPECT_EQ(step(), 128_MiB);
    seen.heap.committed = 800_MiB;
    pass(1s);
    EXPECT_FALSE(plan.holds_by_size());
}

TEST_F(Leisure, ItSaysWhatItWaitsFor) {
    const auto says = [&] { return plan.state(seen, now); };
    pass(5s);
    EXPECT_EQ(says(), "by chunks: the program has not been calm for long enough");
    seen.disturbed = true;
    EXPECT_EQ(says(), "by chunks: its balloon is being made");
    seen.disturbed = false;
    pass(6s);
    EXPECT_EQ(says(), "by its size: being made smaller");
    seen.most_at_once = 1_MiB;
    EXPECT_EQ(says(), "by its size: smaller when more is free");
    seen.most_at_once = 1_GiB;
    take_step(1_MiB);
    EXPECT_EQ(says(), "by its size: the last step was in vain; again in 31 s");
    pass(40s, 0.2);
    EXPECT_EQ(says(), "by its size: smaller when the program is calm");
    seen.heap.committed = 310_MiB;
    EXPECT_EQ(says(), "by its size");
    pass(1s);
    seen.heap.committed = 600_MiB;
    pass(1s);
    EXPECT_EQ(says(), "by chunks: made smaller, it grew or was in distress; again in 30 s");
}

TEST_F(Leisure, DistressEndsItAtOnce) {
    pass(15s);
    plan.step_began(seen, now);
    plan.cancel(now);
    EXPECT_FALSE(plan.holds_by_size());
    pass(29s);
    EXPECT_FALSE(plan.holds_by_size());
    pass(2s);
    EXPECT_TRUE(plan.holds_by_size());
}

}  // namespace
}  // namespace aerostat::agent
