#include <gmock/gmock.h>

#include <malloc.h>
#include <sys/mman.h>

#include <fstream>

#include "contract/codec.h"
#include "contract/names.h"
#include "guest-balloon/app/config.h"
#include "guest-balloon/app/pause_file.h"
#include "guest-balloon/app/pss_rota.h"
#include "guest-balloon/app/self_protection.h"
#include "guest-balloon/app/views.h"
#include "tests/support/fake_root.h"
#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

using ::testing::HasSubstr;

TEST(Configuration, DefaultsAreSafe) {
    const auto config = config_from_text({}, "");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->runtime_dir, "/run/aerostat");
    EXPECT_FALSE(config->rules.silence_release_after);
    EXPECT_EQ(config->rules.agent_lease, Millis(30'000));
    EXPECT_TRUE(config->read_group.empty());
    EXPECT_TRUE(is_valid_name(config->name));
}

TEST(Configuration, TheCommandLineWins) {
    CommandLine line;
    line.name = "from-line";
    line.host = "unix:/line.sock";
    const auto config = config_from_text(line, "name = \"from-file\"\nhost = \"unix:/file.sock\"\nlease = \"9s\"\n");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->name, "from-line");
    EXPECT_EQ(config->host, (HostAddress{HostAddress::Kind::unix_socket, "/line.sock"}));
    EXPECT_EQ(config->rules.agent_lease, Millis(9'000));
}

TEST(Configuration, AllProblemsAreNamedAtOnce) {
    const auto config = config_from_text(
        {}, "lease = 30\nmax_agents = 33\nsilence_release_after = \"1s\"\nunknown = 1\n[control]\nwrite_group = \"x\"\n");
    ASSERT_FALSE(config);
    for (const char* key : {"lease", "max_agents", "silence_release_after", "unknown", "write_group"}) {
        EXPECT_THAT(config.error().message, HasSubstr(key));
    }
}

TEST(Configuration, NamesWithATildeAreOurs) { EXPECT_FALSE(config_from_text({}, "name = \"a~1\"\n")); }

TEST(Configuration, AHostIsASocketOrAVirtioPort) {
    const auto by_name = config_from_text({}, "host = \"virtio:org.aerostat.guest.0\"\n");
    ASSERT_TRUE(by_name);
    EXPECT_EQ(by_name->host, (HostAddress{HostAddress::Kind::virtio_port, "org.aerostat.guest.0"}));
    EXPECT_EQ(to_string(*by_name->host), "virtio:org.aerostat.guest.0");
    EXPECT_EQ(config_from_text({}, "host = \"virtio:/dev/vport1p1\"\n")->host->place, "/dev/vport1p1");
    EXPECT_FALSE(config_from_text({}, "")->host);
}

TEST(Configuration, AnAddressWithoutSenseIsAnErrorThatSaysWhatToWrite) {
    for (const char* text : {"/run/x", "unix:", "tcp:host:1", "virtio:", "virtio: ", "virtio:a b", "virtio:../x",
                             "virtio:a/b", "virtio:/", "virtio:/dev/", "virtio:-x", "virtio:\\t", "VIRTIO:x"}) {
        const auto config = config_from_text({}, "host = \"" + std::string(text) + "\"\n");
        ASSERT_FALSE(config) << text;
        EXPECT_EQ(config.error().code, ErrorCode::bad_value) << text;
        EXPECT_THAT(config.error().message, HasSubstr("virtio:PORT")) << text;
    }
    EXPECT_FALSE(config_from_text({}, "host = \"virtio:" + std::string(129, 'x') + "\"\n"));
}

TEST(Configuration, AnotherHostNeedsARestart) {
    CommandLine line;
    line.host = "virtio:org.aerostat.guest.0";
    const auto running = config_from_text(line, "");
    EXPECT_EQ(needs_restart(*running, *config_from_text(line, "")), std::vector<std::string>{});
    line.host = "virtio:org.aerostat.guest.1";
    EXPECT_EQ(needs_restart(*running, *config_from_text(line, "")), std::vector<std::string>{"host"});
}

TEST(Configuration, AHostNameBecomesAName) {
    EXPECT_EQ(name_from_hostname("web 1.example~com"), "web-1.example-com");
    EXPECT_EQ(name_from_hostname(""), "guest");
}

TEST(PauseFile, KeepsTheOffSwitch) {
    const aerostat::testing::TemporaryDirectory directory;
    const std::string path = directory.path() + "/paused";
    PauseSwitch paused;
    paused.jvms = {"shop", "search~12"};
    ASSERT_TRUE(store_pause(path, paused));
    EXPECT_EQ(load_pause(path).jvms, paused.jvms);
    EXPECT_FALSE(load_pause(path).everything);
    paused.everything = true;
    ASSERT_TRUE(store_pause(path, paused));
    EXPECT_TRUE(load_pause(path).everything);
    ASSERT_TRUE(store_pause(path, {}));
    EXPECT_FALSE(std::ifstream(path).good());
    EXPECT_FALSE(load_pause(path).everything);
}

TEST(SelfProtection, FreeHeapStaysInReserve) {
    const aerostat::testing::FakeRoot root;
    const std::size_t before = ::mallinfo2().fordblks;
    static_cast<void>(protect_ourselves(SelfProtection{}, root.path));
    ::munlockall();
    const std::size_t after = ::mallinfo2().fordblks;
    if (after == 0) GTEST_SKIP() << "this allocator gives no account of itself";
    EXPECT_GE(after, before + 1000UL * 1000);
}

TEST(PssRota, TakesTurnsWithinItsBudget) {
    Guest guest;
    guest.connect("shop", 10);
    guest.connect("search", 11);
    PssRota rota;
    const auto look = [&]() -> std::string {
        const Jvm* jvm = rota.next(guest.state.jvms(), guest.clock.now());
        if (!jvm) return "";
        guest.state.pss_seen(jvm->name, jvm->process, 1_GiB, guest.clock.now());
        rota.measured(milliseconds(20), guest.clock.now());
        return jvm->name;
    };
    const std::string first = look();
    EXPECT_EQ(look(), "") << "the budget is used up";
    guest.clock.advance(seconds(1));
    EXPECT_NE(look(), first);
    guest.clock.advance(seconds(1));
    EXPECT_EQ(look(), "") << "each every five seconds";
    guest.clock.advance(seconds(4));
    EXPECT_EQ(look(), first);
}

TEST(Views, WarnOfWhatIsDegraded) {
    Guest guest({}, true);
    const ConnectionId shop = guest.connect("shop", 10);
    guest.connect("search", 11);
    guest.state.agent_gone(shop, guest.clock.now(), guest.effects);
    guest.clock.advance(seconds(7));
    LinkFacts links;
    links.degraded = {"memory pressure is unknown: no PSI"};
    links.host_trouble = "nothing answers";
    const StatusView view = status_view(guest.state, links, guest.clock.now());
    EXPECT_EQ(view.superior, "silent");
    EXPECT_THAT(view.warnings, ::testing::ElementsAre(HasSubstr("PSI"), HasSubstr("nothing answers"),
                                                      HasSubstr("search has said nothing for 7.00 s"),
                                                      HasSubstr("shop (pid 10) lost its connection")));
    ASSERT_EQ(view.guests.size(), 1U);
    EXPECT_EQ(view.guests[0].jvms.size(), 1U);
}

TEST(Views, APriceIsAlwaysANumber) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    for (const Bytes footprint : {0_B, 330_MiB, 4_GiB}) {
        guest.say(shop, Guest::report(footprint));
        ControlReply reply;
        reply.id = "r";
        reply.body = status_view(guest.state, {}, guest.clock.now());
        EXPECT_TRUE(encode(reply));
    }
}

}  // namespace
}  // namespace aerostat::guest
