#include "wire/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "tests/support/loop.h"
#include "wire/dialer.h"
#include "wire/line_connection.h"
#include "wire/request_client.h"

namespace aerostat::wire {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

class ListenerTest : public ::testing::Test {
protected:
    Result<std::unique_ptr<Listener>> open(const std::string& path, std::size_t most = 8) {
        return Listener::open(loop_, {.path = path, .mode = 0640, .most_connections = most},
                              [this](int fd, const PeerCredentials& peer) {
                                  accepted_.push_back(fd);
                                  peer_ = peer;
                              });
    }
    void TearDown() override {
        for (const int fd : accepted_) ::close(fd);
    }
    static int dial(const std::string& path) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }

    TemporaryDirectory directory_;
    asio::io_context loop_;
    std::vector<int> accepted_;
    PeerCredentials peer_;
};

TEST_F(ListenerTest, SaysWhoConnected) {
    auto listener = open(directory_ / "a.sock");
    ASSERT_TRUE(listener) << listener.error().message;
    const int client = dial(directory_ / "a.sock");
    ASSERT_TRUE(run_until(loop_, [&] { return accepted_.size() == 1; }));
    EXPECT_EQ(peer_.pid, ::getpid());
    EXPECT_EQ(peer_.uid, ::geteuid());
    ::close(client);
}

TEST_F(ListenerTest, SetsTheModeAskedForAndRemovesTheSocketAtTheEnd) {
    struct stat info {};
    {
        auto listener = open(directory_ / "a.sock");
        ASSERT_EQ(::stat((directory_ / "a.sock").c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0640U);
    }
    EXPECT_NE(::stat((directory_ / "a.sock").c_str(), &info), 0);
}

TEST_F(ListenerTest, RefusesASecondDaemonAndNamesTheFirst) {
    auto first = open(directory_ / "a.sock");
    auto second = open(directory_ / "a.sock");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::busy);
    EXPECT_NE(second.error().message.find("pid " + std::to_string(::getpid())), std::string::npos) << second.error().message;
    const int client = dial(directory_ / "a.sock");
    ASSERT_TRUE(run_until(loop_, [&] { return accepted_.size() == 1; })) << "the first one must go on serving";
    ::close(client);
}

TEST_F(ListenerTest, ReplacesAStaleSocketButNothingElse) {
    const int orphan = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_ / "a.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(orphan, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(orphan);
    EXPECT_TRUE(open(path));
    std::ofstream(directory_ / "file") << "precious";
    const auto refused = open(directory_ / "file");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
    struct stat info {};
    EXPECT_EQ(::stat((directory_ / "file").c_str(), &info), 0);
}

TEST_F(ListenerTest, ExplainsPathsThatCannotWork) {
    EXPECT_EQ(open("/" + std::string(120, 'x')).error().code, ErrorCode::bad_value);
    const auto missing = open(directory_ / "no/such/a.sock");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("does the directory exist"), std::string::npos) << missing.error().message;
}

TEST_F(ListenerTest, TurnsAwayMoreThanItsBound) {
    auto listener = open(directory_ / "a.sock", 2);
    std::vector<int> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(dial(directory_ / "a.sock"));
    ASSERT_TRUE(run_until(loop_, [&] { return (*listener)->turned_away() == 3; }));
    EXPECT_EQ(accepted_.size(), 2U);
    (*listener)->connection_ended();
    clients.push_back(dial(directory_ / "a.sock"));
    ASSERT_TRUE(run_until(loop_, [&] { return accepted_.size() == 3; }));
    for (const int fd : clients) ::close(fd);
}

TEST_F(ListenerTest, ADialerFindsADaemonThatComesLater) {
    int connected = -1;
    Dialer dialer(loop_, directory_ / "a.sock",
                  {.first = std::chrono::milliseconds(1), .longest = std::chrono::milliseconds(5)},
                  [&](int fd) { connected = fd; });
    dialer.start();
    ASSERT_TRUE(run_until(loop_, [&] { return dialer.failures() >= 3; }));
    auto listener = open(directory_ / "a.sock");
    ASSERT_TRUE(run_until(loop_, [&] { return connected >= 0; }));
    EXPECT_EQ(dialer.failures(), 0U);
    ::close(connected);
}

TEST_F(ListenerTest, ADialerSaysWhyItGetsNowhere) {
    for (const auto& [path, reason] :
         {std::pair(directory_ / "nobody.sock", "No such file"), std::pair("/" + std::string(120, 'x'), "too long")}) {
        std::string why;
        Dialer dialer(
            loop_, path, {}, [](int) { FAIL(); }, [&](const Error& error) { why = error.message; });
        dialer.start();
        EXPECT_EQ(why, "") << "never from inside";
        ASSERT_TRUE(run_until(loop_, [&] { return !why.empty(); }));
        EXPECT_NE(why.find(path + ": "), std::string::npos) << why;
        EXPECT_NE(why.find(reason), std::string::npos) << why;
    }
}

TEST_F(ListenerTest, AStoppedDialerStaysSilent) {
    bool called = false;
    auto listener = open(directory_ / "a.sock");
    {
        Dialer dialer(loop_, directory_ / "a.sock", {}, [&](int) { called = true; });
        dialer.start();
    }
    loop_.restart();
    loop_.poll();
    EXPECT_FALSE(called);
}

TEST_F(ListenerTest, ARequestGetsTheReplyWithItsOwnId) {
    auto listener = open(directory_ / "a.sock");
    const SystemClock clock;
    std::shared_ptr<LineConnection> served;
    std::optional<Result<ControlReply>> reply;
    std::thread client([&] {
        auto connected = RequestClient::connect(directory_ / "a.sock");
        ControlRequest request;
        request.id = "r7";
        reply = connected->ask(request, std::chrono::seconds(20));
    });
    EXPECT_TRUE(run_until(loop_, [&] { return accepted_.size() == 1; }));
    if (!accepted_.empty()) {
        served =
            LineConnection::start(loop_, accepted_.back(),
                                  {.on_line =
                                       [&](std::string_view line) {
                                           EXPECT_EQ(decode_request(line)->id, "r7");
                                           served->send(*encode(ControlReply{"other", false, std::nullopt, PlanView{}}));
                                           served->send(*encode(ControlReply{"r7", false, std::nullopt, OperationView{}}));
                                       },
                                   .on_closed = nullptr},
                                  {}, clock);
        accepted_.clear();
    }
    EXPECT_TRUE(run_until(loop_, [&] { return served && !served->is_open(); }));
    client.join();
    ASSERT_TRUE(reply && *reply);
    EXPECT_TRUE(std::holds_alternative<OperationView>((**reply).body));
}

TEST_F(ListenerTest, ARequestToNobodySaysWhatToDo) {
    const auto client = RequestClient::connect(directory_ / "nobody.sock");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::not_found);
    EXPECT_NE(client.error().message.find("is the daemon running"), std::string::npos);
}

}  // namespace
}  // namespace aerostat::wire
