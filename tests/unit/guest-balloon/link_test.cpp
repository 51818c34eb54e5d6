#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "guest-balloon/link/agent_server.h"
#include "guest-balloon/link/client_server.h"
#include "guest-balloon/link/host_client.h"
#include "tests/support/builders.h"
#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/line_peer.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;

std::unique_ptr<Peer> dial(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return std::make_unique<Peer>(fd);
}

Hello an_agents_hello() { return Hello{Role::agent, "shop", "s1", "0.1.0", aerostat::testing::a_report().facts}; }

class AgentDoor : public ::testing::Test {
protected:
    void SetUp() override {
        AgentServer::Handlers handlers;
        handlers.on_hello = [this](ConnectionId from, const wire::PeerCredentials& who,
                                   const Hello& hello) -> Result<Welcome> {
            connection = from;
            pid = who.pid;
            if (hello.name == "unwanted") return fail(ErrorCode::busy, "no place");
            return Welcome{hello.session, hello.name, Millis(30'000)};
        };
        handlers.on_message = [this](ConnectionId, const Message& message) { heard.push_back(message); };
        handlers.on_gone = [this](ConnectionId, const Error& why) { gone = why; };
        server = *AgentServer::open(loop, directory.path() + "/agent.sock", AgentDoorBounds{}, std::move(handlers), clock);
        peer = dial(directory.path() + "/agent.sock");
    }
    void TearDown() override {
        server.reset();
        loop.restart();
        loop.poll();
    }
    void welcome() {
        peer->say(an_agents_hello());
        ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
        ASSERT_TRUE(std::holds_alternative<Welcome>(peer->last.body));
    }
    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    ManualClock clock;
    std::unique_ptr<AgentServer> server;
    std::unique_ptr<Peer> peer;
    ConnectionId connection = 0;
    pid_t pid = 0;
    std::vector<Message> heard;
    std::optional<Error> gone;
};

TEST_F(AgentDoor, WelcomesWhomTheKernelNames) {
    welcome();
    EXPECT_EQ(peer->last.id, "m1");
    EXPECT_EQ(pid, ::getpid());
    struct stat info {};
    ASSERT_EQ(::stat((directory.path() + "/agent.sock").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0666U);
}

TEST_F(AgentDoor, HandsOnReportsAndSendsOrders) {
    welcome();
    peer->say(aerostat::testing::a_report());
    ASSERT_TRUE(run_until(loop, [&] { return heard.size() == 1; }));
    SetHeapTarget order;
    order.session = "s1";
    order.op = "op-1";
    EXPECT_TRUE(server->send(connection, order));
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_TRUE(std::holds_alternative<SetHeapTarget>(peer->last.body));
    EXPECT_FALSE(server->send(connection + 1, order));
}

TEST_F(AgentDoor, TurnsAwayWithASentenceAndHearsNoMore) {
    Hello hello = an_agents_hello();
    hello.name = "unwanted";
    peer->say(hello);
    peer->say(aerostat::testing::a_report());
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_EQ(std::get<ErrorNotice>(peer->last.body).message, "no place");
    ASSERT_TRUE(run_until(loop, [&] { return !peer->hears() && peer->ended; }));
    EXPECT_TRUE(heard.empty());
}

TEST_F(AgentDoor, WantsHelloFirst) {
    peer->say(Pressure{Bytes(1), "psi", ""}, "early");
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_EQ(peer->last.id, "early");
    EXPECT_EQ(std::get<ErrorNotice>(peer->last.body).code, "refused");
    EXPECT_TRUE(heard.empty());
}

TEST_F(AgentDoor, AnswersWhatIsNotAnAgentsAndCountsWhatIsNoMessage) {
    welcome();
    peer->say(Apply{"s1", "op", {}, {}, Millis(1), Millis(1), OnShortfall::keep, Cap::firm, {}}, "a1");
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_EQ(peer->last.id, "a1");
    peer->write("nonsense\n{\"v\":1,\"type\":\"gossip\",\"id\":\"g\"}\n");
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_EQ(std::get<ErrorNotice>(peer->last.body).code, "unsupported");
    EXPECT_EQ(server->malformed_lines(), 1U);
}

TEST_F(AgentDoor, TellsWhenAWelcomedAgentHasGone) {
    welcome();
    peer.reset();
    ASSERT_TRUE(run_until(loop, [&] { return gone.has_value(); }));
    EXPECT_EQ(gone->code, ErrorCode::disconnected);
}

TEST_F(AgentDoor, DropsWhoeverSaysNoHello) {
    ASSERT_TRUE(run_until(loop, [&] { return loop.poll() == 0; }));
    clock.advance(std::chrono::seconds(6));
    ASSERT_TRUE(run_until(loop, [&] { return peer->hears(); }));
    EXPECT_EQ(std::get<ErrorNotice>(peer->last.body).code, "timed-out");
}

/// A host's door in the test's hand.
class HostLink : public ::testing::Test {
protected:
    void SetUp() override {
        path = directory.path() + "/host.sock";
        door = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(door, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(door, 4), 0);
        HostClient::Handlers handlers;
        handlers.on_welcome = [this](const std::string& session, const Welcome&) { sessions.push_back(session); };
        handlers.on_message = [this](const Message& message) { heard.push_back(message); };
        handlers.on_lost = [this](const Error&) { ++lost; };
        client = std::make_unique<HostClient>(loop, connector_to(loop, {HostAddress::Kind::unix_socket, path}), "guest",
                                              std::move(handlers), clock);
        client->start();
    }
    void TearDown() override {
        client.reset();
        host.reset();
        ::close(door);
        ::unlink(path.c_str());
        loop.restart();
        loop.poll();
    }
    void accept_and_hear_hello() {
        int fd = -1;
        ASSERT_TRUE(run_until(loop, [&] { return (fd = ::accept(door, nullptr, nullptr)) >= 0; }));
        host = std::make_unique<Peer>(fd);
        ASSERT_TRUE(run_until(loop, [&] { return host->hears(); }));
    }
    void welcome() {
        const std::size_t before = sessions.size();
        const Hello hello = std::get<Hello>(host->last.body);
        host->say(Welcome{hello.session, hello.name, Millis(30'000)});
        ASSERT_TRUE(run_until(loop, [&] { return sessions.size() > before; }));
    }
    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    ManualClock clock;
    std::string path;
    int door = -1;
    std::unique_ptr<HostClient> client;
    std::unique_ptr<Peer> host;
    std::vector<std::string> sessions;
    std::vector<Message> heard;
    int lost = 0;
};

TEST_F(HostLink, IntroducesItselfWithAFreshSessionEachTime) {
    accept_and_hear_hello();
    EXPECT_EQ(std::get<Hello>(host->last.body).role, Role::guest);
    welcome();
    EXPECT_TRUE(client->is_welcomed());
    host.reset();
    accept_and_hear_hello();
    EXPECT_EQ(lost, 1);
    welcome();
    EXPECT_NE(sessions[0], sessions[1]);
}

TEST_F(HostLink, ObeysNothingBeforeTheWelcome) {
    accept_and_hear_hello();
    host->say(LeaseRenewal{"x", Millis(1)});
    EXPECT_FALSE(client->send(Pressure{}));
    host->say(Welcome{"of-another-session", "guest", Millis(1)});
    welcome();
    EXPECT_TRUE(heard.empty());
    host->say(LeaseRenewal{sessions[0], Millis(1)});
    EXPECT_TRUE(run_until(loop, [&] { return heard.size() == 1; }));
}

TEST(ClientDoor, TellsAlsoOfConnectionsThatItHasEndedItself) {
    const aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    ManualClock clock;
    int gone = 0;
    ClientServer::Handlers handlers;
    handlers.on_gone = [&](ConnectionId) { ++gone; };
    auto server = ClientServer::open(loop, directory / "client.sock", ClientDoorBounds{}, std::move(handlers), clock);
    ASSERT_TRUE(server) << server.error().message;
    const auto silent = dial(directory / "client.sock");
    ASSERT_TRUE(run_until(loop, [&] { return (*server)->connections() == 1; }));
    clock.advance(std::chrono::seconds(6));
    ASSERT_TRUE(run_until(loop, [&] { return (*server)->connections() == 0; }));
    EXPECT_EQ(gone, 1);
    server->reset();
    loop.restart();
    loop.poll();
}

TEST(GuestReportLine, FitsWithManyJvms) {
    GuestReport report;
    for (int i = 0; i < 32; ++i)
        report.jvms.push_back(aerostat::testing::a_report("a-rather-long-name-of-a-java-service-" + std::to_string(i)));
    for (JvmReport& jvm : report.jvms) jvm.levers.assign(8, std::string(60, 'x'));
    const auto line = encode_report("r1", report);
    ASSERT_TRUE(line);
    EXPECT_EQ(std::get<GuestReport>(decode_message(std::string_view(*line).substr(0, line->size() - 1))->body).jvms.size(),
              32U);
}

}  // namespace
}  // namespace aerostat::guest
