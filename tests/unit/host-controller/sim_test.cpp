#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host-controller/decide/policies.h"
#include "host-controller/sim/report.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::sim {
namespace {

using namespace host::testing;
using ::testing::HasSubstr;

constexpr Duration kSecond = 1s;

GuestGroup a_group(std::string name, Nature nature = Nature::ideal) {
    GuestGroup group;
    group.name = std::move(name);
    group.nature = nature;
    group.heap = HeapModel{400_MiB, 200_MiB, 2_GiB, 100_MiB, 2_GiB};
    return group;
}

Scenario a_scenario(std::vector<GuestGroup> groups, Bytes memory = 8_GiB) {
    Scenario scenario;
    scenario.name = "test";
    scenario.length = 1h;
    scenario.rules.memory = memory;
    scenario.rules.emergency_reserve = 1_GiB;
    GuestLimits limits;
    limits.min = 256_MiB;
    scenario.rules.guests.push_back({"*", limits});
    scenario.groups = std::move(groups);
    return scenario;
}

void run_for(Guest& guest, Duration from, Duration length) {
    for (Duration at = from; at < from + length; at += kSecond) static_cast<void>(guest.advance(at, kSecond));
}

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

TEST(SimRun, IsTheSameEveryTime) {
    const Scenario scenario = a_scenario({a_group("a"), a_group("b", Nature::slow), a_group("c", Nature::dying)}, 4_GiB);
    const Outcome first = run(scenario, price_of_memory());
    const Outcome second = run(scenario, price_of_memory());
    EXPECT_EQ(first.moves, second.moves);
    EXPECT_EQ(first.stall_seconds, second.stall_seconds);
    EXPECT_EQ(first.mean_resident, second.mean_resident);
}

std::vector<GuestGroup> all_kinds() {
    std::vector<GuestGroup> groups;
    for (const auto& [name, nature] :
         {std::pair("ideal", Nature::ideal), std::pair("slow", Nature::slow), std::pair("stuck", Nature::stuck),
          std::pair("firm", Nature::firm), std::pair("lying", Nature::lying), std::pair("dying", Nature::dying),
          std::pair("migrating", Nature::migrating)}) {
        groups.push_back(a_group(name, nature));
        groups.back().from = 20min;
        groups.back().lasts = 5min;
        groups.back().every = 15min;
        groups.back().load = {LoadShape::bursts, 1, 0.02, 3min, 0, 0.4};
    }
    groups[0].count = 3;
    groups[0].cache = CacheModel{512_MiB, 20_MiB, 2};
    return groups;
}

TEST(SimRun, NoPolicyBreaksAnInvariantAmongGuestsOfEveryNature) {
    // The reserve has to cover what all could take back alone at the same moment, newcomers included.
    Scenario scenario = a_scenario(all_kinds(), 10_GiB);
    scenario.rules.emergency_reserve = 2_GiB + 512_MiB;
    for (const std::string& name : policy_names()) {
        const Outcome outcome = run(scenario, *policy_named(name));
        for (std::size_t i = 0; i < kInvariants; ++i)
            EXPECT_EQ(outcome.violations[i].times, 0U) << name << ": " << outcome.violations[i].first;
        EXPECT_GT(outcome.moves, 0U) << name;
        EXPECT_LE(outcome.peak_resident, 10_GiB);
    }
}

TEST(SimRun, ByPriceLessIsLostThanByAnyOtherPolicy) {
    std::vector<GuestGroup> groups{a_group("busy"), a_group("idle")};
    groups[0].load = {LoadShape::bursts, 1, 0.02, 5min, 0, 0.4};
    groups[0].count = 3;
    groups[0].heap->allocates = 500_MiB;
    groups[1].load.level = 0.01;
    groups[1].count = 3;
    const Scenario scenario = a_scenario(std::move(groups), 6_GiB);
    const double by_price = run(scenario, price_of_memory()).stall_seconds;
    for (const SharePolicy* other : {&proportional(), &guest_only(), &static_shares()})
        EXPECT_LT(by_price, 0.9 * run(scenario, *other).stall_seconds) << other->name();
    EXPECT_GT(by_price, run_unrestrained(scenario).stall_seconds);
}

TEST(SimRun, ColdPageCachePaysForBusyHeapsAndAWarmOneDoesNot) {
    const auto shares = [](Bytes reads) {
        std::vector<GuestGroup> groups{a_group("busy"), a_group("files")};
        groups[0].heap->allocates = 500_MiB;
        groups[1].heap.reset();
        groups[1].cache = CacheModel{3_GiB, reads, 2.0};
        const Scenario scenario = a_scenario(std::move(groups), 5_GiB);
        return std::pair(run(scenario, price_of_memory()), run_unrestrained(scenario));
    };
    const auto [cold, all] = shares(1_MiB);
    EXPECT_GT(cold.heaps.mean, share_of(all.heaps.mean, 0.9)) << "the heap has nearly all that it can use";
    EXPECT_LT(cold.caches.mean, 2_GiB + 200_MiB);
    const auto warm = shares(500_MiB).first;
    EXPECT_GT(warm.caches.mean, cold.caches.mean + 200_MiB);
    EXPECT_LT(warm.heaps.mean, cold.heaps.mean);
}

// Between bursts the firm one's memory is the cheapest by what it says, for it does next to nothing.
Scenario beside_busy_ones(GuestGroup firm) {
    std::vector<GuestGroup> groups{std::move(firm), a_group("busy")};
    groups[0].load = {LoadShape::bursts, 1, 0.02, 3min, 0, 0.4};
    groups[1].heap->allocates = 500_MiB;
    groups[1].count = 2;
    Scenario scenario = a_scenario(std::move(groups), 3_GiB);
    scenario.rules.emergency_reserve = 256_MiB;
    return scenario;
}

TEST(SimRun, WhatAFirmGuestCannotGiveOthersDoAndItIsNotPestered) {
    const Scenario scenario = beside_busy_ones(a_group("firm", Nature::firm));
    const Outcome outcome = run(scenario, price_of_memory());
    for (const Violation& one : outcome.violations) EXPECT_EQ(one.times, 0U) << one.first;
    EXPECT_LE(outcome.mean_resident, scenario.rules.capacity());
    EXPECT_LT(outcome.moves, 100U) << "in an hour";
}

TEST(SimRun, AFirmGuestIsNotTriedBelowItsMinimum) {
    for (const Bytes min : {450_MiB, 500_MiB, 550_MiB, 600_MiB, 700_MiB}) {
        Scenario scenario = beside_busy_ones(a_group("firm", Nature::firm));
        scenario.rules.guests.insert(scenario.rules.guests.begin(), {"firm*", at_least(min)});
        for (const Violation& one : run(scenario, price_of_memory()).violations)
            EXPECT_EQ(one.times, 0U) << format_bytes(min) << ": " << one.first;
    }
}

// A batch job that loads 300 MiB within three seconds, again and again, among services that give 20 MiB a second each: the
// reserve is used up before they have given.
Scenario with_a_bursty_one() {
    std::vector<GuestGroup> groups{a_group("batch"), a_group("service", Nature::slow)};
    groups[0].heap = HeapModel{320_MiB, 20_MiB, 2_GiB, 100_MiB, 2_GiB, 100_MiB};
    groups[0].load = {LoadShape::bursts, 1, 0.01, 1min, 0, 0.3};
    groups[1].heap = HeapModel{150_MiB, 150_MiB, 2_GiB, 100_MiB, 2_GiB};
    groups[1].count = 4;
    Scenario scenario = a_scenario(std::move(groups), 2_GiB);
    scenario.rules.guests.clear();
    scenario.rules.guests.push_back({"*", {}});
    scenario.rules.emergency_reserve = 160_MiB;
    return scenario;
}

TEST(SimRun, ForOneThatLoadsFasterThanOthersGiveMemoryIsKeptReady) {
    const Scenario scenario = with_a_bursty_one();
    const Outcome outcome = run(scenario, price_of_memory());
    for (const Violation& one : outcome.violations) EXPECT_EQ(one.times, 0U) << one.first;
    EXPECT_GT(outcome.in_reserve_seconds, 0) << "of the first bursts nobody knew";
    EXPECT_GT(outcome.mean_resident, share_of(scenario.rules.memory, 0.8)) << "no more is kept than it takes";
}

TEST(SimRun, AHostThatIsTooSmallIsToldOf) {
    const Outcome outcome = run(a_scenario({a_group("a"), a_group("b"), a_group("c")}, 1536_MiB), price_of_memory());
    EXPECT_GT(outcome.violated(), 0U);
    Comparison comparison;
    comparison.outcomes.push_back(outcome);
    EXPECT_THAT(render(comparison), HasSubstr("VIOLATED by price: capacity"));
}

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

TEST(SimReport, APlotIsADocumentInWhichNamesAreOnlyText) {
    Scenario scenario = a_scenario({a_group("a")});
    Comparison comparison;
    comparison.scenario = "<script>&\"";
    comparison.length = scenario.length;
    comparison.memory = scenario.rules.memory;
    comparison.capacity = scenario.rules.capacity();
    comparison.unrestrained = run_unrestrained(scenario);
    comparison.outcomes.push_back(run(scenario, price_of_memory()));
    const std::string svg = plot(comparison);
    EXPECT_EQ(svg.find("<script>"), std::string::npos);
    EXPECT_THAT(svg, ::testing::StartsWith("<svg "));
    EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
    EXPECT_THAT(svg, HasSubstr("polyline"));
}

}  // namespace
}  // namespace aerostat::host::sim
