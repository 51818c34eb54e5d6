#include "tests/unit/jvm-agent/calm_heap.h"

// With g1-hold=size a G1 heap is held by its size under load, too.
namespace aerostat::agent {
namespace {

class BusyHeap : public CalmHeap {
protected:
    BusyHeap() : CalmHeap(G1Hold::size) { jvm.flags["GCTimeRatio"] = {12, false}; }
    void SetUp() override {
        jvm.max = jvm.committed = jvm.in_memory = 1536_MiB;
        jvm.live = 120_MiB;
        jvm.grows_at_pauses = 1.0 / 13;
        jvm.young_gc();
        static_cast<void>(regulator.advance(gc));
        regulator.accept(order("a", 300_MiB));
        run_until_result();
        ASSERT_EQ(results[0].reason, EndReason::met);
    }
    [[nodiscard]] bool is_held() const { return jvm.flag("GCTimeRatio") == kHoldingTimeRatio; }
    void expect_all_settings_of_the_jvms_own() {
        expect_settings_of_the_jvms_own();
        EXPECT_EQ(jvm.flag(kTimeRatioFlag), 12);
        EXPECT_TRUE(regulator.levers().in_use().empty());
    }
};

TEST_F(BusyHeap, IsAsSmallAsItsTargetWhenItsOrderEndsAndStaysSo) {
    EXPECT_TRUE(is_held());
    EXPECT_LE(jvm.committed, 310_MiB);
    EXPECT_GE(jvm.committed, 290_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 10_MiB);
    work(120, 0.12);
    EXPECT_TRUE(is_held());
    EXPECT_LE(jvm.committed, 310_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 10_MiB);
    EXPECT_TRUE(pressures.empty());
}

TEST_F(BusyHeap, ThatBecameTooSmallGrowsToItsTargetAgain) {
    work(5, 0.12);
    jvm.committed = 130_MiB;  // what was thought to be occupied died with the last cycle
    run(100ms);
    EXPECT_FALSE(is_held());
    jvm.cycle();
    run(100ms);
    EXPECT_GE(jvm.committed, 280_MiB);
    EXPECT_LE(jvm.committed, 310_MiB);
    EXPECT_TRUE(is_held());
}

TEST_F(BusyHeap, MayBeFullOfWhatIsDead) {
    for (int i = 0; i < 60; ++i) {
        jvm.garbage = 4_MiB * (static_cast<std::uint64_t>(i) * 7 % 29);
        gc.now = 1.5;
        work(1, 0.15);
    }
    EXPECT_TRUE(is_held());
    EXPECT_TRUE(pressures.empty());
}

TEST_F(BusyHeap, IsMadeSmallAgainByTheNextCycleWhoeverBeganIt) {
    work(30, 0.12);
    commit_more(40_MiB);
    run(100ms);
    jvm.cycle();
    EXPECT_LE(jvm.committed, 310_MiB);
    EXPECT_LE(regulator.balloon().size().granted, 10_MiB);
    run(100ms);
    const Bytes small = jvm.committed;
    for (int i = 0; i < 20; ++i) {
        work(1, 0.12);
        jvm.garbage = 10_MiB * (static_cast<std::uint64_t>(i) % 5);
        jvm.cycle();
    }
    EXPECT_GE(jvm.committed + 30_MiB, small) << "it does not creep down";
    EXPECT_TRUE(is_held());
}

TEST_F(BusyHeap, WhoseCollectorCommitsMuchMoreIsSmallBeforeLong) {
    work(30, 0.12);
    commit_more(400_MiB);
    work(2, 0.12);
    EXPECT_LE(jvm.resident_heap(), 340_MiB);
    work(120, 0.12);
    EXPECT_LE(jvm.committed, 330_MiB);
    EXPECT_TRUE(is_held());
}

TEST_F(BusyHeap, ThatSpendsMostOfItsTimeInPausesHasItsOwnRatioOnceItIsMadeLarger) {
    work(30, 0.3);
    EXPECT_TRUE(is_held());
    commit_more(400_MiB);
    work(2, 0.3);
    EXPECT_FALSE(is_held());
}

TEST_F(BusyHeap, HasItsOwnRatioAfterAFullCollection) {
    work(5, 0.12);
    jvm.full_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_FALSE(is_held());
    ASSERT_FALSE(pressures.empty());
    EXPECT_GT(pressures.back().wanted, 0_B);
}

TEST_F(BusyHeap, HasItsOwnRatioOnceNoTargetIsHeldAndWhenItIsSwitchedOff) {
    regulator.lift();
    expect_all_settings_of_the_jvms_own();
    regulator.accept(order("b", 200_MiB));
    run(200ms);
    regulator.accept(order("c", 300_MiB));
    run_until_result(3);
    jvm.committed = 1200_MiB;
    regulator.accept(order("d", 280_MiB));
    run(100ms);
    ASSERT_TRUE(is_held());
    regulator.switch_off("the test says so");
    expect_all_settings_of_the_jvms_own();
}

// A lease that runs out says that guestd is silent: what it has ordered stands, for as long as it was to be held.
TEST_F(BusyHeap, StaysSoWhenItsLeaseRunsOutAndTheGuardStaysArmed) {
    SetHeapTarget leased = order("b", 290_MiB);
    leased.lease = Millis(1'000);
    regulator.accept(leased);
    run_until_result(2);
    work(60, 0.12);
    EXPECT_TRUE(is_held());
    EXPECT_TRUE(regulator.target());
    jvm.full_gc();
    static_cast<void>(regulator.advance(gc));
    EXPECT_FALSE(is_held());
}

TEST_F(BusyHeap, HasItsOwnSettingsWhenItsHoldEndsWithNobodyThereToLiftIt) {
    SetHeapTarget held = order("b", 290_MiB);
    held.hold = Millis(60'000);
    regulator.accept(held);
    run_until_result(2);
    work(50, 0.12);
    ASSERT_TRUE(is_held());
    work(10, 0.12);
    EXPECT_FALSE(regulator.target());
    expect_all_settings_of_the_jvms_own();
    EXPECT_EQ(regulator.balloon().count(), 0U);
    work(60, 0.12);
    expect_all_settings_of_the_jvms_own();
}

TEST_F(BusyHeap, HasItsOwnSettingsWhenItsHoldEndsInTheMiddleOfTheOrder) {
    SetHeapTarget held = order("b", 280_MiB);
    held.hold = Millis(2'000);
    commit_more(900_MiB);
    regulator.accept(held);
    wait_for_step();
    ASSERT_EQ(results.size(), 1U) << "it is still under way";
    ASSERT_LT(jvm.flag("MaxHeapFreeRatio"), 70);
    ASSERT_TRUE(is_held());
    jvm.clock.advance(2s);
    static_cast<void>(regulator.advance(gc));
    ASSERT_EQ(results.size(), 2U);
    expect_all_settings_of_the_jvms_own();
}

TEST_F(BusyHeap, WhoseSettingsCannotBePutBackWhenItsHoldEndsHasThemSoonAfter) {
    SetHeapTarget held = order("b", 290_MiB);
    held.hold = Millis(20'000);
    regulator.accept(held);
    run_until_result(2);
    ASSERT_TRUE(is_held());
    jvm.refuse_flag = kTimeRatioFlag;
    work(30, 0.12);
    ASSERT_FALSE(regulator.target());
    EXPECT_TRUE(is_held()) << "it was refused";
    jvm.refuse_flag.clear();
    work(5, 0.12);
    expect_all_settings_of_the_jvms_own();
}

TEST_F(BusyHeap, MayGrowToAHigherTargetAtItsOwnPaceAndIsHeldThere) {
    work(5, 0.12);
    regulator.accept(order("b", 800_MiB));
    static_cast<void>(regulator.advance(gc));
    EXPECT_FALSE(is_held());
    commit_more(100_MiB);
    work(1, 0.12);
    EXPECT_FALSE(is_held()) << "it is not there yet";
    commit_more(400_MiB);
    work(3, 0.12);
    EXPECT_TRUE(is_held());
}

TEST_F(BusyHeap, OfAProgramThatGrowsIsItsOwnAtOnce) {
    work(5, 0.12);
    for (int i = 0; i < 6; ++i) {
        jvm.live += 64_MiB;
        work(1, 0.12);
    }
    EXPECT_FALSE(is_held());
    EXPECT_FALSE(pressures.empty());
    EXPECT_EQ(jvm.full_gcs, 0U);
}

TEST_F(BusyHeap, WhoseOrderIsHardIsHeldByChunks) {
    SetHeapTarget hard = order("b", 250_MiB);
    hard.cap = Cap::hard;
    regulator.accept(hard);
    run_until_result(2);
    work(20, 0.12);
    EXPECT_FALSE(is_held());
}

TEST_F(BusyHeap, WhoseRatioIsSomebodyElsesIsLeftAlone) {
    regulator.lift();
    jvm.flags["GCTimeRatio"].by_operator = true;
    jvm.committed = 1200_MiB;
    regulator.accept(order("b", 300_MiB));
    run_until_result(2);
    work(20, 0.12);
    EXPECT_EQ(jvm.flag("GCTimeRatio"), 12);
}

}  // namespace
}  // namespace aerostat::agent
