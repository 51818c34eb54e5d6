#include "host-controller/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host-controller/app/kept_state.h"

namespace aerostat::host::app {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string problem(const std::string& text) {
    const auto config = parse_config(text, "hostd.toml");
    return config ? "" : config.error().message;
}

const std::string kHost = "[host]\nmemory = \"3GiB\"\n";

TEST(Config, NeedsOnlyTheBudget) {
    const auto config = parse_config(kHost, "hostd.toml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->rules.memory, 3_GiB);
    EXPECT_EQ(config->rules.emergency_reserve, 256_MiB);
    EXPECT_FALSE(config->act) << "advise is the default";
}

TEST(Config, GuestsInheritTheDefaults) {
    const auto config =
        parse_config(kHost + "[defaults]\nmin = \"64MiB\"\nweight = 2.0\n[guest.\"web-*\"]\nmax = \"1GiB\"\n", "hostd.toml");
    ASSERT_TRUE(config) << config.error().message;
    const auto limits = config->rules.limits_for("web-1");
    ASSERT_TRUE(limits);
    EXPECT_EQ(limits->min, 64_MiB);
    EXPECT_EQ(limits->max, 1_GiB);
    EXPECT_EQ(limits->weight, 2.0);
    EXPECT_FALSE(config->rules.limits_for("db"));
}

TEST(Config, ChoosesThePolicyByName) {
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->rules.policy->name(), "price");
    for (const std::string name : {"price", "proportional", "guest-only", "static"}) {
        const auto config = parse_config(kHost + "policy = \"" + name + "\"\n", "hostd.toml");
        ASSERT_TRUE(config) << config.error().message;
        EXPECT_EQ(config->rules.policy->name(), name);
    }
    EXPECT_THAT(problem(kHost + "policy = \"fair\"\n"), HasSubstr("hostd.toml:3"));
}

TEST(Config, KeepsAHistoryBesideTheSocketsUnlessToldOtherwise) {
    const auto config = parse_config(kHost + "runtime_dir = \"/run/x\"\n", "hostd.toml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->history_directory(), "/run/x/history") << "without a state directory";
    EXPECT_EQ(config->history_size, 16_MiB);
    EXPECT_TRUE(parse_config(kHost + "history_size = \"0B\"\n", "hostd.toml")->history_size.is_zero());
    EXPECT_THAT(problem(kHost + "history_size = \"100KiB\"\n"), HasSubstr("between 1MiB and 16GiB"));
    EXPECT_THAT(problem(kHost + "history_dir = \"kept\"\n"), HasSubstr("absolute"));
}

TEST(Config, KeepsTheHistoryInTheStateDirectoryThatSystemdGives) {
    ::setenv("STATE_DIRECTORY", "/var/lib/aerostat:/var/lib/other", 1);
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->history_directory(), "/var/lib/aerostat/history");
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->state_file(), "/var/lib/aerostat/hostd.state");
    EXPECT_EQ(parse_config(kHost + "history_dir = \"/srv/x\"\n", "hostd.toml")->history_directory(), "/srv/x");
    ::setenv("STATE_DIRECTORY", "relative", 1);
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->history_directory(), "/run/aerostat/history");
    ::unsetenv("STATE_DIRECTORY");
}

TEST(Config, ShowsMetricsOnlyWhereItIsTold) {
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->metrics_listen, "");
    const auto loopback = parse_config(kHost + "[metrics]\nlisten = \"127.0.0.1:9177\"\n[guest.a]\n", "hostd.toml");
    ASSERT_TRUE(loopback) << loopback.error().message;
    EXPECT_EQ(loopback->metrics_listen, "127.0.0.1:9177");
    EXPECT_TRUE(config_warnings(*loopback, std::nullopt).empty());
    const auto open = parse_config(kHost + "[metrics]\nlisten = \"0.0.0.0:9177\"\n[guest.a]\n", "hostd.toml");
    EXPECT_THAT(config_warnings(*open, std::nullopt), ::testing::ElementsAre(HasSubstr("can read the metrics")));
    EXPECT_THAT(problem(kHost + "[metrics]\nlisten = \"everywhere\"\n"), HasSubstr("hostd.toml:4"));
    EXPECT_THAT(problem(kHost + "[metrics]\nport = \"1\"\n"), HasSubstr("port"));
}

TEST(Config, TellsEachMistakeWithItsLine) {
    EXPECT_THAT(problem("[host]\nmemory = 5\n"), HasSubstr("hostd.toml:2"));
    EXPECT_THAT(problem("[host]\n"), HasSubstr("memory is required"));
    EXPECT_THAT(problem("[host]\nmemory = \"1MiB\"\n"), HasSubstr("below 64MiB"));
    EXPECT_THAT(problem(kHost + "emergency_reserve = \"3GiB\"\n"), HasSubstr("emergency_reserve leaves nothing"));
    EXPECT_THAT(problem(kHost + "colour = \"red\"\n"), HasSubstr("colour"));
    EXPECT_THAT(problem(kHost + "mode = \"fight\"\n"), HasSubstr("fight"));
    EXPECT_THAT(problem(kHost + "runtime_dir = \"run\"\n"), HasSubstr("absolute"));
    EXPECT_THAT(problem(kHost + "[guest.a]\nmin = \"2GiB\"\nmax = \"1GiB\"\n"), HasSubstr("min (2GiB) is above max (1GiB)"));
    EXPECT_THAT(problem(kHost + "[guest.a]\nweight = 0\n"), HasSubstr("weight"));
    EXPECT_THAT(problem(kHost + "[guest.a]\nwight = 1\n"), HasSubstr("wight"));
    EXPECT_THAT(problem(kHost + "[policy]\npayback = 5\n"), HasSubstr("payback"));
    EXPECT_THAT(problem(kHost + "[polcy]\n"), HasSubstr("polcy"));
    EXPECT_THAT(problem("[host\n"), HasSubstr("hostd.toml"));
}

TEST(Config, TellsAllMistakesAtOnce) {
    const std::string all = problem("[host]\nmode = \"x\"\n[guest.a]\nmin = 1\n[guest.b]\ncolour = \"red\"\n");
    for (const char* part : {"mode", "memory", "min", "colour"}) EXPECT_THAT(all, HasSubstr(part));
}

TEST(Config, NamesTheBackendAndItsConnection) {
    EXPECT_EQ(parse_config(kHost, "hostd.toml")->backend, "local");
    const auto usual = parse_config(kHost + "backend = \"libvirt\"\n", "hostd.toml");
    EXPECT_EQ(usual->backend, "libvirt");
    EXPECT_EQ(usual->uri, "qemu:///system");
    EXPECT_EQ(parse_config(kHost + "backend = \"libvirt\"\nuri = \"test:///default\"\n", "hostd.toml")->uri,
              "test:///default");
    EXPECT_THAT(problem(kHost + "uri = \"qemu:///system\"\n"), HasSubstr("libvirt"));
    EXPECT_THAT(problem(kHost + "backend = \"libvirt\"\nuri = \"\"\n"), HasSubstr("empty"));
    EXPECT_THAT(problem(kHost + "backend = \"xen\"\n"), HasSubstr("backend"));
}

TEST(Config, WarnsOfMinimumsThatDoNotFit) {
    const auto config = parse_config(kHost + "[guest.a]\nmin = \"2GiB\"\n[guest.b]\nmin = \"2GiB\"\n", "hostd.toml");
    EXPECT_EQ(config_warnings(*config, 2_GiB).size(), 2U);
}

KeptState some_state(const Moment& moment) {
    KeptState kept;
    kept.guests = {{"session:1:2", "shop"}, {"cgroup:/web", "web"}};
    kept.paused_guests = {"cgroup:/web"};
    kept.ceilings[{"session:1:2", "heap"}] = {100_MiB, moment.now + 90s};
    kept.ceilings[{"session:1:2", "other"}] = {200_MiB, std::nullopt};
    return kept;
}

TEST(KeptState, IsReadBackAsItWasWritten) {
    const Moment then{TimePoint(1h), std::chrono::system_clock::time_point(std::chrono::hours(500'000))};
    const auto later = Moment{TimePoint(5s), then.wall + 30s};  // another boot: the monotonic clock began anew
    const auto read = parse_kept_state(write_kept_state(some_state(then), then), later);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->guests.size(), 2U);
    EXPECT_TRUE(read->paused_guests.contains("cgroup:/web"));
    const LayerKey heap{"session:1:2", "heap"};
    EXPECT_EQ(read->ceilings.at(heap).until, later.now + 60s);
    const LayerKey other{"session:1:2", "other"};
    EXPECT_EQ(read->ceilings.at(other).footprint, 200_MiB);
    EXPECT_FALSE(read->ceilings.at(other).until);
}

TEST(KeptState, AnyDamageIsAnErrorNeverACrash) {
    const Moment moment{TimePoint(1h), std::chrono::system_clock::time_point(std::chrono::hours(500'000))};
    const std::string text = write_kept_state(some_state(moment), moment);
    for (std::size_t length = 0; length + 2 < text.size(); length += 7)
        EXPECT_FALSE(parse_kept_state(text.substr(0, length), moment)) << length;
    const std::string head = "aerostat-hostd-state 1\n";
    for (const std::string& bad :
         {std::string(), std::string("{}"), std::string("aerostat-hostd-state 2\npaused 0\nend\n"), head + "paused 2\nend\n",
          head + "guest 1 two words\n", head + "guest 1 na/me id\nend\n", head + "ceiling -1 - jvm id\nend\n",
          head + "ceiling 1 x jvm id\nend\n", head + "ceiling 1 - jvm\nend\n", head + "nonsense\nend\n"}) {
        EXPECT_FALSE(parse_kept_state(bad, moment)) << bad;
    }
}

TEST(KeptState, APauseOutlivesAReboot) {
    const Moment moment{TimePoint(1h), std::chrono::system_clock::time_point(std::chrono::hours(500'000))};
    KeptState before = some_state(moment);
    before.boot = "one";
    before.paused = true;
    before.paused_guests = {"cgroup:/web", "session:1:2", "domain:absent"};
    const auto same = parse_kept_state(write_kept_state(before, moment), moment);
    ASSERT_TRUE(same) << same.error().message;
    EXPECT_EQ(same->paused_guests, before.paused_guests) << "also of one that is not here";
    KeptState kept = *same;
    forget_before_boot(kept, "one");
    EXPECT_EQ(kept.guests.size(), 2U) << "a restart of the daemon";
    EXPECT_EQ(kept.ceilings.size(), 2U);
    forget_before_boot(kept, "two");
    EXPECT_TRUE(kept.paused);
    EXPECT_EQ(kept.paused_guests, (std::set<GuestId>{"cgroup:/web", "domain:absent"})) << "a session is another's now";
    EXPECT_TRUE(kept.guests.empty()) << "nobody is waited for";
    EXPECT_TRUE(kept.ceilings.empty());
    KeptState of_old = some_state(moment);
    forget_before_boot(of_old, "two");
    EXPECT_EQ(of_old.guests.size(), 2U) << "it does not say of which boot it is";
    EXPECT_FALSE(boot_id().empty());
}

}  // namespace
}  // namespace aerostat::host::app
