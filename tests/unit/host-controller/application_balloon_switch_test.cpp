#include "tests/unit/host-controller/application_balloon_ends.h"

// Switched on and off, and where one of the two balloons or the guest's end is missing.
namespace aerostat::host::act {
namespace {

TEST_F(ApplicationBalloonsTest, AGuestWithoutABalloonDriverIsMovedAllTheSame) {
    virtio.trouble = Error{ErrorCode::unsupported, "it has no virtio balloon"};
    set(1000_MiB);
    virtio.run(2s);
    EXPECT_EQ(ends.held, 12U);
    EXPECT_EQ(looked()->maximum, 1024_MiB);
}

TEST_F(ApplicationBalloonsTest, SwitchedOffItGivesBackWhatItHoldsAndIsOutOfTheWay) {
    set(900_MiB);
    virtio.run(5s);
    on = false;
    EXPECT_EQ(looked()->actual, 900_MiB);
    heard_state();
    virtio.run(5s);
    EXPECT_EQ(ends.held, 0U);
    EXPECT_EQ(looked()->actual, 1024_MiB);
    balloons.set_target(kGuest, 800_MiB, [](const Status&) {});
    EXPECT_EQ(virtio.targets, (std::vector<Bytes>{800_MiB}));
}

TEST_F(ApplicationBalloonsTest, AGuestThatSaysItHoldsSomethingDoesNotSwitchItOnForItself) {
    on = false;
    balloons.forget(kGuest);
    ends.held = 5;
    heard_state();
    EXPECT_EQ(looked()->actual, 1024_MiB) << "what it says counts for nothing";
    EXPECT_EQ(balloons.less_held(kGuest, 1024_MiB), 1024_MiB);
    take(200_MiB, 5s);
    EXPECT_FALSE(virtio.targets.empty()) << "its virtio balloon is moved";
    EXPECT_TRUE(ends.orders.empty());
    for (const std::string& line : lines) EXPECT_TRUE(line.starts_with("deflate ")) << line;
    EXPECT_EQ(ends.held, 0U) << "but what an earlier hostd took it gets back";
}

TEST_F(ApplicationBalloonsTest, SwitchedOffWhileItHoldsSomethingItTakesNothingMore) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    ends.orders.clear();
    lines.clear();
    on = false;
    balloons.set_target(kGuest, 600_MiB, [](const Status&) {});
    virtio.run(5s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_TRUE(lines.empty());
    EXPECT_EQ(ends.held, 62U);
}

TEST_F(ApplicationBalloonsTest, SwitchedOffAfterPiecesWereToldTheyGoBackUnpunched) {
    set(900_MiB);
    virtio.run(5ms);
    on = false;
    virtio.run(5s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_TRUE(ends.told.empty());
    EXPECT_EQ(ends.held, 0U);
}

TEST_F(ApplicationBalloonsTest, SwitchedOffItGivesBackNoMoreThanIsFreeAndNotAllAtOnce) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    on = false;
    free = Bytes();  // or hostd only advises
    heard_state();
    virtio.run(5s);
    EXPECT_EQ(ends.held, 62U);
    free = 20_MiB;
    for (int report = 0; report < 3; ++report) {
        heard_state();
        virtio.run(1s);
    }
    EXPECT_EQ(ends.held, 52U) << "what is free shows it only after a while";
    clock.advance(10s);
    heard_state();
    virtio.run(1s);
    EXPECT_EQ(ends.held, 42U);
}

TEST_F(ApplicationBalloonsTest, WithoutItsEndInTheGuestWhatVirtioHoldsIsStillGivenBack) {
    say(balloon::Refused{0, ErrorCode::not_found, "no aerostat-balloon"});
    virtio.balloon.actual = virtio.target = 512_MiB;
    mover.give(kGuest, 256_MiB, clock.now() + 5s, [this](const BalloonOutcome& o) { ended.push_back(o); });
    virtio.run(6s);
    mover.help(kGuest, 128_MiB, clock.now() + 5s, [this](const BalloonOutcome& o) { ended.push_back(o); });
    virtio.run(6s);
    ASSERT_EQ(ended.size(), 2U);
    EXPECT_EQ(ended[0].reason, EndReason::met) << ended[0].detail;
    EXPECT_EQ(ended[1].reason, EndReason::met) << ended[1].detail;
    ASSERT_EQ(virtio.targets.size(), 2U);
    EXPECT_EQ(virtio.targets[0], 768_MiB);
    EXPECT_GT(virtio.targets[1], 890_MiB);
}

TEST_F(ApplicationBalloonsTest, AGuestdThatNeverTellsOfABalloonCostsWhatVirtioHoldsAMomentOnly) {
    balloons.forget(kGuest);
    virtio.balloon.actual = virtio.target = 512_MiB;
    EXPECT_EQ(looked().error().code, ErrorCode::unsupported) << "heaps may grow meanwhile";
    clock.advance(30s);
    EXPECT_EQ(looked()->actual, 512_MiB);
    mover.give(kGuest, 256_MiB, clock.now() + 5s, [this](const BalloonOutcome& o) { ended.push_back(o); });
    virtio.run(6s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met) << ended[0].detail;
}

TEST_F(ApplicationBalloonsTest, WithNeitherBalloonThereIsNoneToMoveAndHeapsMayGrow) {
    say(balloon::Refused{0, ErrorCode::not_found, "no aerostat-balloon"});
    virtio.trouble = Error{ErrorCode::unsupported, "it has no virtio balloon"};
    mover.give(kGuest, 256_MiB, clock.now() + 5s, [this](const BalloonOutcome& o) { ended.push_back(o); });
    virtio.run(6s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::unsupported);
    EXPECT_EQ(ended[0].detail, "no aerostat-balloon");
}

TEST_F(ApplicationBalloonsTest, WhatALinkThatIsLostLeavesHeldIsNotTakenForGivenBack) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    reachable = false;
    balloons.link_changed(kGuest);
    EXPECT_EQ(looked()->actual, 900_MiB);
    mover.give(kGuest, 100_MiB, clock.now() + 5s, [this](const BalloonOutcome& o) { ended.push_back(o); });
    virtio.run(6s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::unsupported);
    EXPECT_EQ(ended[0].after, 900_MiB);
}

TEST_F(ApplicationBalloonsTest, AGuestInNeedGetsBackWhatItHoldsBeforeTheExchangeUnderWayEnds) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    punch_takes = 8s;
    set(800_MiB);
    virtio.run(100ms);
    ASSERT_EQ(ends.told.size(), 32U);
    set(1024_MiB);
    virtio.run(20ms);
    EXPECT_EQ(ends.held, 0U) << "while aerostat-punch has not answered";
    EXPECT_TRUE(balloons.is_stopped_by_us(kGuest));
    virtio.run(20s);
    EXPECT_EQ(looked()->actual, 1024_MiB);
    EXPECT_TRUE(ends.told.empty());
    EXPECT_EQ(ends.held, 0U);
}

TEST_F(ApplicationBalloonsTest, FiguresOfTheHypervisorAreLessWhatIsHeld) {
    set(900_MiB);
    virtio.run(5s);
    EXPECT_EQ(balloons.less_held(kGuest, 1024_MiB), 900_MiB);
    EXPECT_EQ(balloons.less_held("domain:other", 500_MiB), std::nullopt) << "it has not told yet";
}

}  // namespace
}  // namespace aerostat::host::act
