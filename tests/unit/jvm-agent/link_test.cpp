#include "jvm-agent/app/link.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "contract/codec.h"
#include "tests/support/loop.h"

namespace aerostat::agent {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

/// The agent's end of the connection, with guestd's end in the test's hand.
class LinkTest : public ::testing::Test {
protected:
    void SetUp() override {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (directory_ / "agent.sock").c_str(), sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(listener_, 1), 0);
        link_.start();
        ASSERT_TRUE(run_until(loop_, [&] { return accept_peer() && !lines_from_agent().empty(); }));
        guestd_says(Welcome{link_.session(), "svc", Millis(30'000)});
        ASSERT_TRUE(run_until(loop_, [&] { return link_.is_up(); }));
        lines_.clear();
    }
    void TearDown() override {
        link_.stop();
        loop_.restart();
        loop_.poll();
        ::close(peer_);
        ::close(listener_);
    }

    bool accept_peer() {
        if (peer_ < 0) peer_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return peer_ >= 0;
    }
    void guestd_writes(const std::string& line) {
        ASSERT_EQ(::write(peer_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    void guestd_says(Message message) { guestd_writes(encode(Envelope{"g", std::move(message)}).value()); }
    std::vector<std::string>& lines_from_agent() {
        char buffer[4096];
        for (ssize_t got = 0; (got = ::read(peer_, buffer, sizeof buffer)) > 0;)
            text_.append(buffer, static_cast<std::size_t>(got));
        for (auto end = text_.find('\n'); end != text_.npos; end = text_.find('\n')) {
            lines_.push_back(text_.substr(0, end));
            text_.erase(0, end + 1);
        }
        return lines_;
    }
    [[nodiscard]] std::string order_for(const std::string& session, const std::string& target) const {
        return R"({"v":1,"type":"set_heap_target","id":"x","session":")" + session +
               R"(","op":"o","deadline_ms":5000,"target_bytes":)" + target + "}\n";
    }

    TemporaryDirectory directory_;
    asio::io_context loop_;
    SystemClock clock_;
    int listener_ = -1, peer_ = -1;
    std::string text_;
    std::vector<std::string> lines_;
    std::vector<SetHeapTarget> orders_;
    std::vector<std::string> troubles_;
    Link link_{loop_,
               directory_.path(),
               "svc",
               {},
               clock_,
               {.on_target = [this](const SetHeapTarget& order) { orders_.push_back(order); },
                .on_cancel = [](const Cancel&) {},
                .on_welcome = [] {},
                .on_trouble = [this](const std::string& text) { troubles_.push_back(text); }}};
};

TEST_F(LinkTest, AnOrderWithANegativeTargetIsAnsweredWithItsFault) {
    guestd_writes(order_for(link_.session(), "-1"));
    ASSERT_TRUE(run_until(loop_, [&] { return !lines_from_agent().empty(); }));
    const auto answer = decode_message(lines_[0]);
    ASSERT_TRUE(answer) << lines_[0];
    const auto& result = std::get<OperationResult>(answer->body);
    EXPECT_EQ(result.op, "o");
    EXPECT_EQ(result.session, link_.session());
    EXPECT_EQ(result.reason, EndReason::unsupported);
    EXPECT_NE(result.detail.find("target_bytes"), std::string::npos) << result.detail;
    EXPECT_TRUE(orders_.empty());
}

TEST_F(LinkTest, AFaultyOrderForAnotherSessionIsNobodysHere) {
    guestd_writes(order_for("another", "-1") + order_for(link_.session(), "7"));
    ASSERT_TRUE(run_until(loop_, [&] { return orders_.size() == 1; }));
    EXPECT_EQ(lines_from_agent().size(), 0u);
}

TEST_F(LinkTest, FaultyOrdersAreCountedAsGarbageIsAndCutThePeerOffInTheEnd) {
    const auto bad = order_for(link_.session(), "-1");
    for (std::uint64_t i = 0; i <= wire::ConnectionBounds{}.malformed_lines; ++i) guestd_writes(bad);
    EXPECT_TRUE(run_until(loop_, [&] {
        lines_from_agent();
        return !link_.is_up();
    }));
    ASSERT_EQ(troubles_.size(), 1u);
    EXPECT_NE(troubles_[0].find("malformed"), std::string::npos) << troubles_[0];
}

}  // namespace
}  // namespace aerostat::agent
