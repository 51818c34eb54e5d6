#include "daemon/control_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "contract/codec.h"
#include "tests/support/loop.h"

namespace aerostat::daemon {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

class ControlServerTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto opened = ControlServer::open(
            loop_, directory_ / "control.sock", {},
            [this](const ControlRequest& request, Responder respond) {
                requests_.push_back(request);
                responders_.push_back(std::move(respond));
            },
            clock_);
        ASSERT_TRUE(opened) << opened.error().message;
        server_ = *std::move(opened);
        client_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = directory_ / "control.sock";
        std::memcpy(address.sun_path, path.data(), path.size());
        ASSERT_EQ(::connect(client_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::fcntl(client_, F_SETFL, O_NONBLOCK), 0);
    }
    void TearDown() override { ::close(client_); }
    void send(std::string_view text) {
        ASSERT_EQ(::write(client_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    ControlReply next_reply() {
        std::string text;
        EXPECT_TRUE(run_until(loop_, [&] {
            char byte = 0;
            while ((text.empty() || text.back() != '\n') && ::read(client_, &byte, 1) == 1) text.push_back(byte);
            return !text.empty() && text.back() == '\n';
        }));
        if (!text.empty()) text.pop_back();
        auto reply = decode_reply(text);
        EXPECT_TRUE(reply) << text;
        return reply.value_or(ControlReply{});
    }

    TemporaryDirectory directory_;
    asio::io_context loop_;
    ManualClock clock_;
    std::vector<ControlRequest> requests_;
    std::vector<Responder> responders_;
    std::unique_ptr<ControlServer> server_;
    int client_ = -1;
};

TEST_F(ControlServerTest, AnswersARequestWhenItsOwnerDoes) {
    send(R"({"v":1,"type":"request","id":"r1","command":"status"})"
         "\n");
    ASSERT_TRUE(run_until(loop_, [&] { return requests_.size() == 1; }));
    EXPECT_EQ(requests_[0].command, Command::status);
    StatusView view;
    view.daemon = "guestd";
    responders_[0](ControlReply{"", false, std::nullopt, view});
    const ControlReply reply = next_reply();
    EXPECT_EQ(reply.id, "r1");
    EXPECT_EQ(std::get<StatusView>(reply.body).daemon, "guestd");
}

TEST_F(ControlServerTest, AnswersMalformedLinesWithAnErrorAndGoesOn) {
    send("rubbish\n");
    EXPECT_EQ(next_reply().error->code, ErrorCode::bad_value);
    send(R"({"v":1,"type":"request","id":"r2","command":"dance"})"
         "\n");
    const ControlReply reply = next_reply();
    EXPECT_EQ(reply.id, "r2");
    EXPECT_EQ(reply.error->code, ErrorCode::unsupported);
    EXPECT_EQ(server_->malformed_lines(), 2U);
    EXPECT_TRUE(requests_.empty());
}

TEST_F(ControlServerTest, DropsALateAnswerToAClientThatLeft) {
    send(R"({"v":1,"type":"request","id":"r1","command":"ops"})"
         "\n");
    ASSERT_TRUE(run_until(loop_, [&] { return requests_.size() == 1; }));
    ::close(client_);
    client_ = ::open("/dev/null", O_RDONLY);
    ASSERT_TRUE(run_until(loop_, [&] { return server_->open_connections() == 0; }));
    responders_[0](ControlReply{});
    server_.reset();
    responders_[0](ControlReply{});
}

TEST(ControlAccess, FollowsTheGroups) {
    const ControlAccess access{.read_group = 100, .operate_group = 200};
    const wire::PeerCredentials stranger{.uid = 65'500, .gid = 1, .pid = 1, .groups = {2, 3}};
    wire::PeerCredentials reader = stranger;
    reader.groups.push_back(100);
    wire::PeerCredentials operating = stranger;
    operating.gid = 200;
    wire::PeerCredentials root = stranger;
    root.uid = 0;
    EXPECT_FALSE(access.allows(stranger, Permission::read));
    EXPECT_TRUE(access.allows(reader, Permission::read));
    EXPECT_FALSE(access.allows(reader, Permission::operate));
    EXPECT_TRUE(access.allows(operating, Permission::read));
    EXPECT_TRUE(access.allows(operating, Permission::operate));
    EXPECT_TRUE(access.allows(root, Permission::operate));
    EXPECT_FALSE(ControlAccess{}.allows(operating, Permission::read));
}

TEST(GroupByName, KnowsRootAndExplainsStrangers) {
    EXPECT_EQ(group_by_name("root"), gid_t{0});
    EXPECT_EQ(group_by_name("no-such-group-here").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace aerostat::daemon
