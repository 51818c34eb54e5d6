#include "guest-balloon/app/application_balloon.h"

#include <gtest/gtest.h>

#include "application-balloon/link/line_door.h"
#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;

/// An aerostat-balloon that says what a test wants it to, behind a guestd's relay.
class ApplicationBalloonTest : public ::testing::Test {
protected:
    void SetUp() override {
        open_door();
        relay = std::make_unique<ApplicationBalloon>(
            loop, directory / "balloon.sock",
            ApplicationBalloon::Ports{[this](const std::string& line) { told.push_back(line); }, [this] { return host; },
                                      [this] { return off; }},
            clock);
        relay->start();
        ASSERT_TRUE(run_until(loop, [this] { return says("state 0 "); }));
    }
    void open_door() {
        door = *balloon::LineDoor::open(
            loop, directory / "balloon.sock",
            [this](std::string_view line, const balloon::LineDoor::Reply& reply) {
                const std::string said = answer(line);
                if (!said.empty()) reply(said);
                return !said.empty();
            },
            clock);
    }
    void TearDown() override {
        relay.reset();
        door->close();
        door.reset();
        loop.restart();
        loop.poll();
    }
    std::string answer(std::string_view line) {
        asked.emplace_back(line);
        const auto request = balloon::parse_balloon_request(line);
        if (!request) return {};
        const auto id = *balloon::number_in(line);
        if (confused) return "refused " + std::to_string(id) + " io confused\n";
        if (std::holds_alternative<balloon::AskState>(*request))
            return "state " + std::to_string(id) + " pinned 00112233445566778899aabbccddeeff " + held + "\n";
        if (std::holds_alternative<balloon::Inflate>(*request)) return "told " + std::to_string(id) + " 600 601\n";
        return "done " + std::to_string(id) + " 1\n";
    }
    [[nodiscard]] bool says(const std::string& beginning) const {
        return std::any_of(told.begin(), told.end(), [&](const auto& line) { return line.starts_with(beginning); });
    }
    [[nodiscard]] bool was_asked(const std::string& verb) const {
        return std::any_of(asked.begin(), asked.end(), [&](const auto& line) { return line.starts_with(verb + " "); });
    }

    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    SystemClock clock;
    std::string held = "5 0";
    bool host = true;
    bool off = false;
    bool confused = false;
    std::vector<std::string> told;
    std::vector<std::string> asked;
    std::unique_ptr<balloon::LineDoor> door;
    std::unique_ptr<ApplicationBalloon> relay;
};

TEST_F(ApplicationBalloonTest, WhatTheHostAsksIsPassedOnAndAnsweredUnderItsNumber) {
    relay->host_says("inflate 4711 2");
    ASSERT_TRUE(run_until(loop, [this] { return says("told"); }));
    EXPECT_TRUE(says("told 4711 600 601"));
    EXPECT_FALSE(was_asked("inflate 4711")) << "its own number on its own link";
}

TEST_F(ApplicationBalloonTest, WhatIsHeldIsKnownAndTold) {
    EXPECT_EQ(relay->held(), balloon::kPiece * 5);
    EXPECT_TRUE(says("state 0 pinned 00112233445566778899aabbccddeeff 5 0"));
    EXPECT_EQ(relay->trouble(), "");
}

TEST_F(ApplicationBalloonTest, NothingMoreIsTakenWhileTheOffSwitchIsOn) {
    off = true;
    relay->host_says("inflate 1 2");
    relay->host_says("deflate 2 2");
    ASSERT_TRUE(run_until(loop, [this] { return says("done 2"); }));
    EXPECT_TRUE(says("refused 1 refused"));
    EXPECT_FALSE(was_asked("inflate"));
}

TEST_F(ApplicationBalloonTest, WhatIsNoRequestIsNotPassedOn) {
    const std::size_t before = asked.size();
    for (const char* line : {"told 1 5", "inflate 1", "inflate 1 2 3", "settle 1 5 4", "", "punch 1 x"})
        relay->host_says(line);
    EXPECT_EQ(relay->malformed_lines(), 6U);
    loop.restart();
    loop.poll();
    EXPECT_EQ(asked.size(), before);
}

TEST_F(ApplicationBalloonTest, AnAnswerForAnEarlierHostIsToldToNobody) {
    relay->host_says("inflate 7 2");
    relay->host_changed();
    ASSERT_TRUE(run_until(loop, [this] { return was_asked("inflate"); }));
    relay->host_says("deflate 8 1");
    ASSERT_TRUE(run_until(loop, [this] { return says("done 8"); }));
    EXPECT_FALSE(says("told 7"));
}

TEST_F(ApplicationBalloonTest, WhatALostHostLeftUnsettledGoesBackToTheGuest) {
    host = false;
    held = "5 2";
    relay->look();
    ASSERT_TRUE(run_until(loop, [this] { return was_asked("settle"); }));
}

TEST_F(ApplicationBalloonTest, ABalloonThatHasGoneIsToldOfAndItsSuccessorIsFound) {
    door->close();
    door.reset();
    ASSERT_TRUE(run_until(loop, [this] { return !relay->trouble().empty(); }));
    told.clear();
    relay->host_says("inflate 9 2");
    relay->look();
    ASSERT_TRUE(run_until(loop, [this] { return says("refused 9 disconnected") && says("refused 0 disconnected"); }));
    EXPECT_EQ(relay->held(), Bytes()) << "its memory went back to the guest with it";
    held = "0 0";
    open_door();
    ASSERT_TRUE(run_until(loop, [this] { return says("state 0 "); }));
    EXPECT_EQ(relay->trouble(), "");
}

TEST_F(ApplicationBalloonTest, OneThatDoesNotSayWhatItHoldsHoldsWhatItHeld) {
    confused = true;
    relay->look();
    ASSERT_TRUE(run_until(loop, [this] { return says("refused 0 io"); }));
    EXPECT_EQ(relay->held(), balloon::kPiece * 5);
}

TEST_F(ApplicationBalloonTest, WhatItGivesBackByItselfIsToldAtOnce) {
    door->tell_all("released 5\n");
    ASSERT_TRUE(run_until(loop, [this] { return says("released 5"); }));
    EXPECT_EQ(relay->held(), Bytes());
}

TEST_F(ApplicationBalloonTest, AllGoesBackOnTheGuestsOwnWord) {
    relay->release();
    ASSERT_TRUE(run_until(loop, [this] { return was_asked("deflate"); }));
}

}  // namespace
}  // namespace aerostat::guest
