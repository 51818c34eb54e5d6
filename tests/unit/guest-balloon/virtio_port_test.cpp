// The link over a virtio-serial port. A pseudo-terminal stands in for the port: its master end stays open while the other
// end is opened and closed at will, says HUP in between, and keeps what was sent before anybody listened. Unlike a port it
// says EIO instead of 0 with nobody there, and takes bytes then; what only a real port shows is tested in a guest.
#include "guest-balloon/link/virtio_port.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "guest-balloon/link/host_client.h"
#include "tests/support/builders.h"
#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/line_peer.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;
using std::chrono::milliseconds;

milliseconds cpu_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) { return milliseconds(time.tv_sec * 1000 + time.tv_usec / 1000); };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

class VirtioLink : public ::testing::Test {
protected:
    void SetUp() override {
        terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        ASSERT_EQ(::grantpt(terminal) | ::unlockpt(terminal), 0);
        // Opened once, so that it knows raw mode and that nobody is there.
        const int other = open_other_end();
        termios raw{};
        ASSERT_EQ(::tcgetattr(other, &raw), 0);
        ::cfmakeraw(&raw);
        ASSERT_EQ(::tcsetattr(other, TCSANOW, &raw), 0);
        ::close(other);
    }
    void TearDown() override {
        client.reset();
        host.reset();
        ::close(terminal);
        loop.restart();
        loop.poll();
    }
    [[nodiscard]] int open_other_end() const { return ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC); }
    void start(HostPatience patience = {}) {
        HostClient::Handlers handlers;
        handlers.on_welcome = [this](const std::string& session, const Welcome&) { sessions.push_back(session); };
        handlers.on_message = [this](const Message& message) { heard.push_back(message); };
        handlers.on_lost = [this](const Error& why) { lost.push_back(why.message); };
        handlers.on_trouble = [this](const Error& why) { troubles.push_back(why.message); };
        const auto connector = [this](wire::Connector::OnConnected connected, wire::Connector::OnFailed failed) {
            auto made = std::make_unique<VirtioPort>(
                loop, "p.0",
                [this]() -> Result<int> {
                    ++opened;
                    if (next_open) return next_open();
                    return ::fcntl(terminal, F_DUPFD_CLOEXEC, 0);
                },
                pace, std::move(connected), std::move(failed));
            port = made.get();
            return made;
        };
        client = std::make_unique<HostClient>(loop, connector, "guest", std::move(handlers), clock, patience);
        client->start();
    }
    void attach() { host = std::make_unique<Peer>(open_other_end()); }
    void hear_hello() {
        ASSERT_TRUE(run_until(loop, [&] { return host->hears() && std::holds_alternative<Hello>(host->last.body); }));
    }
    [[nodiscard]] std::string session_heard() const { return std::get<Hello>(host->last.body).session; }
    void welcome(Millis lease = Millis(30'000)) {
        const std::size_t before = sessions.size();
        host->say(Welcome{session_heard(), "guest", lease});
        ASSERT_TRUE(run_until(loop, [&] { return sessions.size() > before; }));
    }
    void attach_and_welcome() {
        attach();
        hear_hello();
        welcome();
    }
    void detach_and_notice() {
        const std::size_t before = lost.size();
        host.reset();
        ASSERT_TRUE(run_until(loop, [&] { return lost.size() > before; }));
    }
    void expect_the_link_to_work() {
        const std::size_t before = heard.size();
        host->say(LeaseRenewal{sessions.back(), Millis(30'000)});
        EXPECT_TRUE(run_until(loop, [&] { return heard.size() == before + 1; }));
        EXPECT_TRUE(client->send(Pressure{}));
        EXPECT_TRUE(run_until(loop, [&] { return host->hears() && std::holds_alternative<Pressure>(host->last.body); }));
    }
    void write_all(std::string_view text) {
        ASSERT_TRUE(run_until(loop, [&] {
            text.remove_prefix(host->write_some(text));
            return text.empty();
        }));
    }

    asio::io_context loop;
    ManualClock clock;
    PortPace pace{{milliseconds(1), milliseconds(10)}, milliseconds(5)};
    std::function<Result<int>()> next_open;
    int terminal = -1;
    int opened = 0;
    VirtioPort* port = nullptr;
    std::unique_ptr<HostClient> client;
    std::unique_ptr<Peer> host;
    std::vector<std::string> sessions;
    std::vector<Message> heard;
    std::vector<std::string> lost;
    std::vector<std::string> troubles;
};

TEST_F(VirtioLink, SaysHelloWhenTheHostAttaches) {
    start();
    ASSERT_TRUE(run_until(loop, [&] { return client->failed_attempts() > 3; }));
    EXPECT_EQ(troubles, std::vector<std::string>{"no host is attached to virtio-serial port p.0"}) << "told once";
    EXPECT_FALSE(client->send(Pressure{})) << "discarded";
    attach_and_welcome();
    expect_the_link_to_work();
}

TEST_F(VirtioLink, ANewHostIsANewSessionOverTheSamePort) {
    start();
    attach_and_welcome();
    for (std::size_t round = 1; round <= 3; ++round) {
        detach_and_notice();
        EXPECT_FALSE(client->is_welcomed());
        EXPECT_FALSE(client->send(Pressure{}));
        attach_and_welcome();
        EXPECT_NE(sessions[round], sessions[round - 1]);
        expect_the_link_to_work();
    }
    EXPECT_EQ(opened, 1) << "closing the port would throw away what the host has sent";
}

TEST_F(VirtioLink, BeginsWithAnEmptyLineThatEndsWhateverWasThere) {
    attach();
    start();
    ASSERT_TRUE(run_until(loop, [&] { return client->failed_attempts() == 0 && port->looks() > 0; }));
    char first = 0;
    const int other = open_other_end();
    ASSERT_TRUE(run_until(loop, [&] { return ::read(other, &first, 1) == 1; }));
    ::close(other);
    EXPECT_EQ(first, '\n');
}

TEST_F(VirtioLink, DropsWhatWasSentBeforeItCame) {
    attach();
    for (int i = 0; i < 120; ++i) host->write("half a life ago\n");
    host->say(Welcome{"of-another-session", "guest", Millis(1)});
    host->write(R"({"v":1,"type":"lease","id":"cut",)");
    start();
    hear_hello();
    welcome();
    EXPECT_TRUE(heard.empty());
    EXPECT_TRUE(lost.empty()) << "120 malformed lines of this connection's would have ended it";
    expect_the_link_to_work();
}

TEST_F(VirtioLink, AMessageCutByADetachIsForgotten) {
    start();
    attach_and_welcome();
    host->write(R"({"v":1,"type":"lease","id":"cut","session":")");
    detach_and_notice();
    attach_and_welcome();
    expect_the_link_to_work();
    EXPECT_EQ(heard.size(), 1U);
}

TEST_F(VirtioLink, SaysHelloAgainWhenItsHelloOrTheWelcomeWasLost) {
    start({.welcome = std::chrono::seconds(1), .silence = std::chrono::seconds(5)});
    attach();
    hear_hello();
    const std::string first = session_heard();
    // The welcome is glued to half a line that an earlier host left behind.
    host->write("{\"v\":1,\"ty");
    host->say(Welcome{first, "guest", Millis(30'000)});
    hear_hello();
    EXPECT_NE(session_heard(), first);
    EXPECT_TRUE(sessions.empty());
    host->say(Welcome{first, "guest", Millis(30'000)});  // too late
    welcome();
    EXPECT_EQ(sessions, std::vector<std::string>{session_heard()});
    EXPECT_EQ(troubles.size(), 1U) << "told once";
}

TEST_F(VirtioLink, DoesNotFloodAHostThatNeverAnswers) {
    pace.backoff = {milliseconds(20), milliseconds(40)};
    start({.welcome = milliseconds(20), .silence = std::chrono::seconds(5)});
    attach();
    int hellos = 0;
    const auto end = std::chrono::steady_clock::now() + milliseconds(400);
    while (std::chrono::steady_clock::now() < end) {
        loop.restart();
        loop.run_one_for(milliseconds(5));
        if (host->hears()) ++hellos;
    }
    EXPECT_GE(hellos, 2);
    EXPECT_LE(hellos, 11) << "one a round of 20 ms of waiting and a pause of 20 and later 40 ms";
    EXPECT_EQ(troubles.size(), 1U);
}

TEST_F(VirtioLink, NoticesAHostThatWasReplacedUnseenByItsSilence) {
    start({.welcome = std::chrono::seconds(5), .silence = milliseconds(50)});
    attach();
    hear_hello();
    welcome(Millis(1));
    hear_hello();
    EXPECT_EQ(lost, std::vector<std::string>{"the host was silent for its whole lease"});
    welcome();
    EXPECT_NE(sessions[0], sessions[1]);
    expect_the_link_to_work();
}

TEST_F(VirtioLink, SaysHelloAtOnceToAHostThatKnowsNoSession) {
    start();
    attach_and_welcome();
    host->say(ErrorNotice{"refused", "just so"});
    ASSERT_TRUE(run_until(loop, [&] { return heard.size() == 1; }));
    expect_the_link_to_work();
    host->say(ErrorNotice{"disconnected", "who are you?"});
    hear_hello();
    EXPECT_EQ(lost.size(), 1U);
    welcome();
    expect_the_link_to_work();
}

TEST_F(VirtioLink, DropsAMebibyteOfGarbageAndReadsOn) {
    start();
    attach_and_welcome();
    write_all(std::string(1024UL * 1024, 'x') + "\n");
    expect_the_link_to_work();
    EXPECT_TRUE(lost.empty());
}

TEST_F(VirtioLink, LeavesAHostThatTalksNonsenseAndTriesAgain) {
    start();
    attach_and_welcome();
    for (int i = 0; i < 120; ++i) write_all("nonsense\n");
    ASSERT_TRUE(run_until(loop, [&] { return lost.size() == 1; }));
    hear_hello();
    welcome();
    expect_the_link_to_work();
}

TEST_F(VirtioLink, NeitherWaitsForNorBuffersWithoutBoundForAHostThatDoesNotRead) {
    start();
    attach_and_welcome();
    GuestReport report;
    report.jvms.assign(16, aerostat::testing::a_report());
    int sent = 0;
    while (client->send(report)) {
        loop.restart();
        loop.poll();
        ASSERT_LT(++sent, 10'000);
    }
    ASSERT_TRUE(run_until(loop, [&] { return lost.size() == 1; }));
    EXPECT_NE(lost[0].find("does not read"), std::string::npos) << lost[0];
    const std::string before = sessions.back();
    while (session_heard() == before) hear_hello();  // what got through of the reports may end in the middle of a line
    welcome();
    expect_the_link_to_work();
}

TEST_F(VirtioLink, ASilentPortCostsNothing) {
    pace.unattended = milliseconds(50);
    start();
    const milliseconds cpu_before = cpu_time();
    loop.run_for(milliseconds(500));
    const std::uint64_t looks = port->looks();
    EXPECT_GE(looks, 5U);
    EXPECT_LE(looks, 17U) << "1, 2, 4, … 32 ms, then 50 ms each";
    attach_and_welcome();
    loop.restart();
    EXPECT_LE(loop.run_for(milliseconds(300)), 3U) << "attached and quiet: nothing wakes the loop";
    EXPECT_LE(cpu_time() - cpu_before, milliseconds(200));
}

TEST_F(VirtioLink, TriesAPortThatIsHeldOrMissingUntilItOpens) {
    next_open = [this]() -> Result<int> {
        if (opened <= 3) return fail(ErrorCode::not_found, "it is not there");
        if (opened <= 6) return fail(ErrorCode::busy, "it is held");
        return ::fcntl(terminal, F_DUPFD_CLOEXEC, 0);
    };
    attach();
    start();
    hear_hello();
    welcome();
    EXPECT_EQ(troubles, (std::vector<std::string>{"it is not there", "it is held"})) << "each reason once";
    EXPECT_EQ(opened, 7);
}

TEST_F(VirtioLink, LetsAnUnpluggedPortGoAndLooksForItAgain) {
    // A descriptor whose read() fails stands in for the port of a device that was pulled out.
    next_open = [this]() -> Result<int> {
        return opened == 1 ? ::open("/dev/null", O_WRONLY | O_CLOEXEC) : ::fcntl(terminal, F_DUPFD_CLOEXEC, 0);
    };
    attach();
    start();
    hear_hello();
    welcome();
    EXPECT_EQ(troubles, std::vector<std::string>{"virtio-serial port p.0 was unplugged"});
    EXPECT_EQ(opened, 2);
}

TEST_F(VirtioLink, LeavesNoDescriptorBehind) {
    const auto count = [] {
        int open_ones = 0;
        for (int fd = 0; fd < 256; ++fd) open_ones += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
        return open_ones;
    };
    int with_the_loops_own = 0;
    for (int life = 0; life < 3; ++life) {
        start();
        attach_and_welcome();
        detach_and_notice();
        client.reset();
        if (life == 0) with_the_loops_own = count();
    }
    EXPECT_EQ(count(), with_the_loops_own);
}

}  // namespace
}  // namespace aerostat::guest
