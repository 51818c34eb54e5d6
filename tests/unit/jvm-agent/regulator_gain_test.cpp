#include "tests/unit/jvm-agent/regulator_fixture.h"

// What of a heap can be had, the way it is held: cycles are driven for no less, and no lower floor is reported.
namespace aerostat::agent {
namespace {

// A heap of one size, full of chunks but for what G1 needs beside them; what is alive was seen by the cycles of that order.
class FullOfChunks : public RegulatorTest {
protected:
    void SetUp() override {
        jvm.live = 400_MiB;
        jvm.minimum = jvm.committed = jvm.in_memory = jvm.max;
        regulator.accept(order("first", 256_MiB));
        run_until_result();
        ASSERT_EQ(results[0].reason, EndReason::floor);
        work(35s);  // longer than what it has shown is believed
        jvm.remark();
        jvm.remark();
        work(1s);
        cycles = jvm.cycle_pauses;
    }
    /// The program collects for itself.
    void work(Duration time) {
        for (Duration done{}; done < time; done += 1s) {
            jvm.young_gc();
            run(1s);
        }
    }
    void give(Bytes target) {
        regulator.accept(order("give" + std::to_string(++given), target));
        jvm.young_gc();
        run(100ms);
    }
    const OperationResult& ask(Bytes target) {
        const std::size_t before = results.size();
        regulator.accept(order("ask" + std::to_string(before), target));
        run_until_result(before + 1);
        return results.back();
    }
    std::uint64_t cycles = 0;
    int given = 0;
};

TEST_F(FullOfChunks, TheFloorIsWhatChunksLeave) {
    EXPECT_GE(regulator.floor(), 900_MiB) << "alive: 400 MiB";
    EXPECT_LE(regulator.floor(), regulator.footprint().resident);
    give(1200_MiB);
    jvm.in_memory = 1200_MiB;
    jvm.clock.advance(30s);
    jvm.remark();
    regulator.look_if_due();
    run(10ms);
    EXPECT_GE(regulator.floor(), 900_MiB);
    EXPECT_LE(regulator.floor(), 1050_MiB) << "there is room for chunks";
}

TEST_F(FullOfChunks, WhatIsFreeIsTakenWithoutACycle) {
    give(1200_MiB);
    jvm.in_memory = 1150_MiB;
    const auto& answer = ask(1100_MiB);
    EXPECT_EQ(answer.reason, EndReason::met);
    EXPECT_EQ(jvm.cycle_pauses, cycles);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
}

TEST_F(FullOfChunks, NoCycleIsDrivenForWhatNoneCouldBring) {
    const auto& answer = ask(700_MiB);
    EXPECT_EQ(answer.reason, EndReason::floor);
    EXPECT_EQ(jvm.cycle_pauses, cycles);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_GE(regulator.floor(), 900_MiB);
}

TEST_F(FullOfChunks, GarbageIsWorthACycleAndNoMoreThanThatIsDriven) {
    give(1200_MiB);
    for (jvm.garbage = 15_MiB; jvm.garbage < 300_MiB; jvm.garbage += 15_MiB) work(1s);
    jvm.in_memory = 1190_MiB;
    EXPECT_EQ(ask(1020_MiB).reason, EndReason::met);
    EXPECT_GT(jvm.cycle_pauses, cycles);
    EXPECT_LE(jvm.cycle_pauses, cycles + 4);
}

// After a while nobody knows whether what was alive still is.
TEST_F(FullOfChunks, WhatACycleHasFoundIsNotBelievedForLong) {
    work(31s);
    ask(700_MiB);
    EXPECT_GT(jvm.cycle_pauses, cycles);
}

TEST_F(FullOfChunks, AnOrderThatMustBeHeldToTheByteIsTriedWhateverItBrings) {
    SetHeapTarget hard = order("hard", 700_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result(results.size() + 1);
    EXPECT_GT(jvm.cycle_pauses, cycles);
}

TEST_F(FullOfChunks, BetweenOrdersNothingIsDrivenForWhatNoneCouldBring) {
    for (int second = 0; second < 200; ++second) {
        jvm.in_memory = 1150_MiB;
        jvm.remark();  // the program's own
        ++cycles;
        jvm.young_gc();
        regulator.look_if_due();
        run(1s);
        ASSERT_EQ(jvm.flag("G1PeriodicGCInterval"), 0) << second;
    }
    EXPECT_EQ(jvm.cycle_pauses, cycles);
}

// A burst of chunks starts a cycle, however small it is.
TEST_F(FullOfChunks, ASmallGapInTheBalloonWaitsWhileNoMoreThanTheTargetIsResident) {
    const auto held = [this] { return regulator.balloon().size().granted; };
    give(1060_MiB);
    work(3s);
    const Bytes before = held();
    give(1050_MiB);
    work(5s);
    EXPECT_EQ(held(), before);
    give(1030_MiB);
    work(5s);
    EXPECT_EQ(held(), saturating_sub(jvm.max, 1030_MiB)) << "so much does not wait";
    give(1040_MiB);
    give(1030_MiB);
    jvm.in_memory = 1050_MiB;
    work(2s);
    regulator.look_if_due();
    work(5s);
    EXPECT_EQ(held(), saturating_sub(jvm.max, 1030_MiB)) << "and where more is resident none does";
}

TEST_F(RegulatorTest, AnOrderForNextToNothingTakesWhatIsFreeAndDrivesNoCycle) {
    jvm.live = 400_MiB;
    jvm.committed = jvm.in_memory = 600_MiB;
    regulator.accept(order("hold", 620_MiB));
    regulator.accept(order("free", 590_MiB));
    run_until_result(2);
    EXPECT_EQ(results[1].reason, EndReason::met);
    jvm.live = jvm.committed = jvm.in_memory = 600_MiB;
    jvm.young_gc();
    run(1s);
    regulator.accept(order("alive", 590_MiB));
    run_until_result(3);
    EXPECT_EQ(results[2].reason, EndReason::floor);
    EXPECT_EQ(jvm.cycle_pauses, 0U);
    EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    EXPECT_LT(regulator.floor(), 1_GiB) << "nothing is learned from it";
}

}  // namespace
}  // namespace aerostat::agent
