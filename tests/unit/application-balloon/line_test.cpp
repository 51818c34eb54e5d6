#include <gtest/gtest.h>

#include <optional>

#include "application-balloon/link/line_caller.h"
#include "application-balloon/link/line_door.h"
#include "tests/support/loop.h"

namespace aerostat::balloon {
namespace {

using aerostat::testing::run_until;

class LineTest : public ::testing::Test {
protected:
    void SetUp() override {
        door = *LineDoor::open(
            loop, directory / "socket",
            [this](std::string_view line, const LineDoor::Reply& reply) {
                heard.emplace_back(line);
                if (waits) {
                    later = reply;
                } else {
                    reply("done 1 1\n");
                }
                return true;
            },
            clock);
        LineCaller::Handlers handlers;
        handlers.on_change = [this](bool) { ++changes; };
        caller.emplace(loop, directory / "socket", std::move(handlers), clock);
        caller->start();
        ASSERT_TRUE(run_until(loop, [this] { return caller->is_connected(); }));
    }
    void TearDown() override {
        caller.reset();
        door.reset();
        poll();
    }
    void poll() {
        loop.restart();
        loop.poll();
    }

    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    SystemClock clock;
    std::vector<std::string> heard;
    int changes = 0;
    bool waits = false;
    LineDoor::Reply later;
    std::unique_ptr<LineDoor> door;
    std::optional<LineCaller> caller;
};

TEST_F(LineTest, ACallIsAnsweredUnderItsNumber) {
    std::optional<Result<std::string>> got;
    caller->call(1, "state 1\n", std::chrono::seconds(20), [&](Result<std::string> line) { got = std::move(line); });
    ASSERT_TRUE(run_until(loop, [&] { return got.has_value(); }));
    EXPECT_EQ(got->value(), "done 1 1");
    EXPECT_EQ(heard, std::vector<std::string>{"state 1"});
}

TEST_F(LineTest, AnAnswerMayComeLaterAndGoesToNobodyWhoHasGone) {
    waits = true;
    std::optional<Result<std::string>> got;
    const auto call = [&] {
        got.reset();
        later = nullptr;
        caller->call(1, "state 1\n", std::chrono::seconds(20), [&](Result<std::string> line) { got = std::move(line); });
        return run_until(loop, [&] { return later != nullptr; });
    };
    ASSERT_TRUE(call());
    EXPECT_FALSE(got);
    later("done 1 2\n");
    ASSERT_TRUE(run_until(loop, [&] { return got.has_value(); }));
    EXPECT_EQ(got->value(), "done 1 2");
    ASSERT_TRUE(call());
    door.reset();
    later("done 1 3\n");
    ASSERT_TRUE(run_until(loop, [&] { return got.has_value(); }));
    EXPECT_EQ(got->error().code, ErrorCode::disconnected);
}

TEST_F(LineTest, ACallerThatEndsWithItsConnectionHearsOfNothingAnyMore) {
    const int before = changes;
    // More than a connection queues: it ends, and the word of that is on its way.
    caller->call(1, std::string(1024UL * 1024, 'x') + "\n", std::chrono::seconds(20), [](const Result<std::string>&) {});
    caller.reset();
    poll();
    EXPECT_EQ(changes, before);
}

TEST_F(LineTest, ADoorThatShutsWithAConnectionThatEndsIsShut) {
    door->tell_all(std::string(4UL * 1024 * 1024, 'x') + "\n");
    door->close();
    poll();
    EXPECT_TRUE(heard.empty());
}

}  // namespace
}  // namespace aerostat::balloon
