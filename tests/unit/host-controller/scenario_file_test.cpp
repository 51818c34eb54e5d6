#include "host-controller/app/scenario_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host-controller/app/simulate.h"

namespace aerostat::host::app {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::string kHost = "[host]\nmemory = \"3GiB\"\n";
const std::string kGuest = kHost + "[guest.web]\n";

std::string problem(const std::string& text) {
    const auto file = parse_scenario(text, "day.toml");
    return file ? "" : file.error().message;
}

TEST(ScenarioFile, NeedsABudgetAndSomebodyToSimulate) {
    const auto file = parse_scenario(kGuest, "day.toml");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->scenario.rules.memory, 3_GiB);
    EXPECT_EQ(file->scenario.groups.size(), 1U);
    EXPECT_EQ(file->policies.size(), 4U);
    EXPECT_THAT(problem(kHost), HasSubstr("nobody to simulate"));
    EXPECT_THAT(problem("[guest.web]\n"), HasSubstr("memory is required"));
}

TEST(ScenarioFile, ReadsModelsOnlyWhereTheyAreNamed) {
    const auto file = parse_scenario(kGuest +
                                         "count = 7\nnature = \"slow\"\nmin = \"128MiB\"\n"
                                         "[guest.web.load]\nshape = \"bursts\"\nperiod = \"5m\"\n"
                                         "[guest.web.heap]\nlive = \"300MiB\"\n",
                                     "day.toml");
    ASSERT_TRUE(file) << file.error().message;
    const sim::GuestGroup& group = file->scenario.groups[0];
    EXPECT_EQ(group.count, 7U);
    EXPECT_EQ(group.nature, sim::Nature::slow);
    EXPECT_EQ(group.load.shape, sim::LoadShape::bursts);
    EXPECT_EQ(group.load.period, 5min);
    ASSERT_TRUE(group.heap);
    EXPECT_EQ(group.heap->live, 300_MiB);
    EXPECT_EQ(group.heap->live_idle, 150_MiB);
    EXPECT_FALSE(group.cache);
    EXPECT_EQ(file->scenario.rules.limits_for("web-3")->min, 128_MiB);
}

TEST(ScenarioFile, TellsEachMistakeWithItsLine) {
    EXPECT_THAT(problem(kGuest + "nature = \"shy\"\n"), HasSubstr("day.toml:4"));
    EXPECT_THAT(problem(kGuest + "colour = \"red\"\n"), HasSubstr("colour"));
    EXPECT_THAT(problem(kGuest + "[guest.web.heap]\nlive = \"3GiB\"\nmax = \"2GiB\"\n"), HasSubstr("above max"));
    EXPECT_THAT(problem(kGuest + "[guest.web.cache]\nworking_set = \"0MiB\"\n"), HasSubstr("between 1MiB and 64TiB"));
    EXPECT_THAT(problem("[scenario]\npolicies = \"price,fair\"\n" + kGuest), HasSubstr("no policy \"fair\""));
    EXPECT_THAT(problem("[scenario]\nlength = \"8760h\"\ntick = \"100ms\"\n" + kGuest), HasSubstr("ticks"));
    EXPECT_THAT(problem(kGuest + "count = 10000\n[guest.db]\n"), HasSubstr("more than 10,000 guests"));
}

TEST(Simulate, ComparesThePoliciesAskedFor) {
    auto file = parse_scenario("[scenario]\nlength = \"2m\"\n" + kGuest + "[guest.web.heap]\n", "day.toml");
    ASSERT_TRUE(file);
    file->policies = *parse_policies("static,price,static");
    const sim::Comparison comparison = simulate(*file);
    ASSERT_EQ(comparison.outcomes.size(), 2U);
    EXPECT_EQ(comparison.outcomes[0].policy, "static");
    EXPECT_EQ(comparison.outcomes[1].policy, "price");
    EXPECT_THAT(as_json(comparison), HasSubstr("\"memory_saved\""));
}

}  // namespace
}  // namespace aerostat::host::app
