#include <gtest/gtest.h>

#include "tests/unit/host-controller/sim_builders.h"

namespace aerostat::host::sim {
namespace {

// The watch itself: each invariant is broken by hand.
class SimWatch : public ::testing::Test {
protected:
    SimWatch() : scenario_(a_scenario({a_group("shop")})) {
        guests_.emplace_back(scenario_.groups[0], 0U, 1U, 0.0);
        run_for(guests_[0], 0s, 60s);  // holds 2 GiB now
        plan_.held = guests_[0].resident();
        plan_.guests.push_back({guests_[0].id(), "connected", Bytes(), plan_.held, Bytes()});
    }

    const HostPlan& plan_with(Bytes target) {
        plan_.orders = {{guests_[0].id(), {{"heap", {target}, 2_GiB}}, Bytes(), Bytes(), false}};
        return plan_;
    }
    void look(Bytes target, Duration at) {
        watch_.look(plan_with(target), guests_, kMidnight + at);
        guests_[0].take(plan_.orders[0].layers[0]);
    }
    [[nodiscard]] std::uint64_t times(Invariant which) const {
        return watch_.violations()[static_cast<std::size_t>(which)].times;
    }
    [[nodiscard]] std::uint64_t all() const {
        std::uint64_t sum = 0;
        for (const Violation& one : watch_.violations()) sum += one.times;
        return sum;
    }

    Scenario scenario_;
    std::vector<Guest> guests_;
    HostPlan plan_;
    Watch watch_{scenario_.rules};
};

TEST_F(SimWatch, SeesNothingWrongInAnOrdinaryOrder) {
    look(1_GiB, 60s);
    EXPECT_EQ(all(), 0U);
}

TEST_F(SimWatch, SeesThatGuestsHoldMoreThanThereIs) {
    scenario_.rules.memory = 2_GiB;
    look(1_GiB, 60s);
    EXPECT_EQ(times(Invariant::capacity), 1U);
}

TEST_F(SimWatch, SeesARaiseOutOfMemoryThatIsNotFree) {
    plan_.held = 6_GiB + 512_MiB;
    look(3_GiB, 60s);
    EXPECT_EQ(times(Invariant::booking), 1U);
}

TEST_F(SimWatch, SeesAnOrderBelowAFloor) {
    look(120_MiB, 60s);
    EXPECT_EQ(times(Invariant::minimum), 1U);
}

TEST_F(SimWatch, SeesAnOrderBelowAMinimum) {
    scenario_.rules.guests[0].limits.min = 1_GiB;
    look(600_MiB, 60s);
    EXPECT_EQ(times(Invariant::minimum), 1U);
}

TEST_F(SimWatch, SeesALayerThatLacksWhatItNeedsForAMinute) {
    guests_[0].take({"heap", {100_MiB}});
    run_for(guests_[0], 60s, 10s);
    plan_.orders.clear();
    watch_.look(plan_, guests_, kMidnight + 70s);
    EXPECT_EQ(times(Invariant::starvation), 0U);
    watch_.look(plan_, guests_, kMidnight + 130s);
    EXPECT_EQ(times(Invariant::starvation), 1U);
}

TEST_F(SimWatch, SeesATargetThatSwings) {
    look(1_GiB, 60s);
    look(1500_MiB, 90s);
    EXPECT_EQ(times(Invariant::swinging), 0U);
    look(1_GiB, 120s);
    EXPECT_EQ(times(Invariant::swinging), 1U);
    look(1500_MiB, 10min);
    look(1_GiB, 20min);
    EXPECT_EQ(times(Invariant::swinging), 1U) << "slow changes are none";
}

TEST_F(SimWatch, SeesALayerThatIsAskedAgainAndAgainForWhatItDoesNotGive) {
    for (int i = 0; i < 4; ++i) watch_.look(plan_with(1_GiB), guests_, kMidnight + 60s + i * 3s);
    EXPECT_EQ(times(Invariant::pestering), 0U) << "of the last it is not known yet what it brings";
    watch_.look(plan_with(1_GiB), guests_, kMidnight + 72s);
    EXPECT_EQ(times(Invariant::pestering), 1U);
    for (int i = 0; i < 9; ++i) watch_.look(plan_with(1_GiB), guests_, kMidnight + 10min + i * 30s);
    EXPECT_EQ(times(Invariant::pestering), 1U) << "now and then it may be";
}

}  // namespace
}  // namespace aerostat::host::sim
