#include "wire/line_connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "tests/support/loop.h"

namespace aerostat::wire {
namespace {

using aerostat::testing::run_until;

/// A connection whose other end is in the test's hand.
class LineConnectionTest : public ::testing::Test {
protected:
    void connect(ConnectionBounds bounds = {}) {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        peer_ = ends[1];
        connection_ = LineConnection::start(loop_, ends[0],
                                            {.on_line = [this](std::string_view line) { lines_.emplace_back(line); },
                                             .on_closed = [this](const Error& why) { closed_ = why; }},
                                            bounds, clock_);
    }
    void TearDown() override {
        if (connection_) connection_->close();
        if (peer_ >= 0) ::close(peer_);
        loop_.restart();
        loop_.poll();
    }
    void peer_writes(std::string_view text) {
        ASSERT_EQ(::write(peer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::string peer_reads() {
        std::string all;
        char buffer[4096];
        for (ssize_t got = 0; (got = ::read(peer_, buffer, sizeof buffer)) > 0;)
            all.append(buffer, static_cast<std::size_t>(got));
        return all;
    }

    asio::io_context loop_;
    ManualClock clock_;
    int peer_ = -1;
    std::shared_ptr<LineConnection> connection_;
    std::vector<std::string> lines_;
    std::optional<Error> closed_;
};

TEST_F(LineConnectionTest, DeliversLinesBothWays) {
    connect();
    peer_writes("one\ntwo\nhal");
    ASSERT_TRUE(run_until(loop_, [&] { return lines_.size() == 2; }));
    EXPECT_TRUE(connection_->send("answer\n"));
    std::string got;
    ASSERT_TRUE(run_until(loop_, [&] { return (got += peer_reads()) == "answer\n"; }));
    EXPECT_TRUE(run_until(loop_, [&] { return connection_->queued_bytes() == 0; }));
}

TEST_F(LineConnectionTest, TellsWhenThePeerGoes) {
    connect();
    ::close(peer_);
    peer_ = -1;
    ASSERT_TRUE(run_until(loop_, [&] { return closed_.has_value(); }));
    EXPECT_EQ(closed_->code, ErrorCode::disconnected);
    EXPECT_FALSE(connection_->is_open());
    EXPECT_FALSE(connection_->send("late\n"));
}

TEST_F(LineConnectionTest, CutsOffAPeerThatFloods) {
    connect({.lines_per_second = 10, .burst_lines = 20});
    std::string flood;
    for (int i = 0; i < 100; ++i) flood += "x\n";
    peer_writes(flood);
    ASSERT_TRUE(run_until(loop_, [&] { return closed_.has_value(); }));
    EXPECT_EQ(closed_->code, ErrorCode::refused);
    EXPECT_NE(closed_->message.find("floods"), std::string::npos);
    EXPECT_EQ(lines_.size(), 20U);
}

TEST_F(LineConnectionTest, AllowsTheSustainedRate) {
    connect({.lines_per_second = 10, .burst_lines = 20});
    for (std::size_t second = 1; second <= 20; ++second) {
        peer_writes("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
        ASSERT_TRUE(run_until(loop_, [&] { return lines_.size() == second * 10; }));
        clock_.advance(std::chrono::seconds(1));
    }
    EXPECT_FALSE(closed_);
}

TEST_F(LineConnectionTest, CutsOffAPeerThatDoesNotRead) {
    connect({.queued_bytes = 256 * 1024});
    const std::string line(1023, 'x');
    int sent = 0;
    while (connection_->send(line + "\n")) {
        ++sent;
        loop_.restart();
        loop_.poll();
        ASSERT_LT(sent, 10'000);
    }
    ASSERT_TRUE(run_until(loop_, [&] { return closed_.has_value(); }));
    EXPECT_EQ(closed_->code, ErrorCode::refused);
    EXPECT_GE(sent, 256);
}

TEST_F(LineConnectionTest, CutsOffAPeerThatSendsGarbage) {
    connect({.malformed_lines = 5});
    for (int i = 0; i < 6; ++i) connection_->count_malformed();
    peer_writes("x\n");
    ASSERT_TRUE(run_until(loop_, [&] { return closed_.has_value(); }));
    EXPECT_EQ(closed_->code, ErrorCode::refused);
    EXPECT_EQ(connection_->malformed(), 6U);
}

TEST_F(LineConnectionTest, DropsAMebibyteLineAndReadsOn) {
    connect();
    std::string text(1024 * 1024, 'x');
    text += "\nnext\n";
    std::size_t written = 0;
    ASSERT_TRUE(run_until(loop_, [&] {
        const ssize_t sent = written < text.size() ? ::write(peer_, text.data() + written, text.size() - written) : 0;
        if (sent > 0) written += static_cast<std::size_t>(sent);
        return !lines_.empty();
    }));
    EXPECT_EQ(lines_, std::vector<std::string>{"next"});
    EXPECT_EQ(connection_->malformed(), 1U);
}

TEST_F(LineConnectionTest, CallsNobodyAfterClose) {
    connect();
    peer_writes("one\n");
    connection_->close();
    ::close(peer_);
    peer_ = -1;
    loop_.restart();
    loop_.poll();
    EXPECT_TRUE(lines_.empty());
    EXPECT_FALSE(closed_);
}

TEST_F(LineConnectionTest, WritesWhatIsQueuedBeforeItCloses) {
    connect();
    connection_->send("last words\n");
    connection_->close_after_writing(std::chrono::seconds(10));
    std::string got;
    ASSERT_TRUE(run_until(loop_, [&] { return (got += peer_reads()) == "last words\n" && !connection_->is_open(); }));
}

}  // namespace
}  // namespace aerostat::wire
