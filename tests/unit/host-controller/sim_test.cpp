#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host-controller/decide/policies.h"
#include "host-controller/sim/report.h"
#include "tests/unit/host-controller/sim_builders.h"

namespace aerostat::host::sim {
namespace {

using ::testing::HasSubstr;

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
