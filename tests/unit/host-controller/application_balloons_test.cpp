#include "tests/unit/host-controller/application_balloon_ends.h"

namespace aerostat::host::act {
namespace {

TEST_F(ApplicationBalloonsTest, TakesByPiecesInBatchesWhatTheGuestCanHoldUnpunched) {
    set(823_MiB);
    virtio.run(5s);
    EXPECT_EQ(ends.held, 100U) << "whole pieces, never beyond the target";
    ASSERT_EQ(ends.orders.size(), 4U);
    EXPECT_EQ(ends.orders[0].frames.size(), 32U);
    EXPECT_EQ(ends.orders[3].frames.size(), 4U);
    EXPECT_EQ(ends.orders[0].secret, kSecret);
    EXPECT_EQ(ends.orders[0].domain, kGuest.substr(7));
    for (const auto& order : ends.orders) EXPECT_LT(order.until - clock.now(), 10s) << "an order of old runs at no time";
    EXPECT_EQ(looked()->actual, 824_MiB);
    EXPECT_TRUE(virtio.targets.empty()) << "virtio-balloon is left alone";
}

TEST_F(ApplicationBalloonsTest, AMoveMeetsItsGoalWithinAPiece) {
    take(301_MiB, 10s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met) << ended[0].detail;
    EXPECT_EQ(ended[0].after, 724_MiB);
    EXPECT_TRUE(ends.told.empty());
}

TEST_F(ApplicationBalloonsTest, GivesBackWhatItTookAndThenWhatVirtioHolds) {
    virtio.balloon.actual = 900_MiB;
    set(800_MiB);
    virtio.run(5s);
    EXPECT_EQ(ends.held, 50U);
    set(950_MiB);
    virtio.run(5s);
    EXPECT_EQ(ends.held, 0U);
    EXPECT_EQ(virtio.targets, (std::vector<Bytes>{950_MiB}));
}

TEST_F(ApplicationBalloonsTest, AMoveOfALongBatchIsNotTakenForStuck) {
    takes = 3s;
    take(64_MiB, 30s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met) << ended[0].detail;
}

TEST_F(ApplicationBalloonsTest, AtTheDeadlineNothingMoreIsTakenAndTheTargetIsWhatThereIs) {
    takes = 700ms;
    take(600_MiB, 4s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::deadline);
    const Bytes at_end = ended[0].after;
    EXPECT_LT(at_end, 1024_MiB);
    virtio.run(60s);
    EXPECT_EQ(looked()->actual, at_end);
    EXPECT_TRUE(ends.told.empty()) << "what was only told went back to the guest";
}

TEST_F(ApplicationBalloonsTest, AGuestWithNothingToSpareEndsTheMoveAtOnceAndByName) {
    ends.has_frames = 100 + 40;
    take(200_MiB, 20s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::guest_pressure);
    EXPECT_EQ(ended[0].detail, "nothing to spare");
    EXPECT_EQ(ended[0].after, 944_MiB);
}

TEST_F(ApplicationBalloonsTest, PiecesWithoutThePatternAreNotTakenAndGoBack) {
    ends.lies = {100, 101, 102};
    take(20_MiB, 10s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met);
    EXPECT_EQ(ends.held, 10U) << "others were told for them";
}

TEST_F(ApplicationBalloonsTest, AGuestThatOnlyLiesGivesNothingAndIsSaidTo) {
    for (std::uint32_t frame = 0; frame < 1000; ++frame) ends.lies.insert(frame);
    take(64_MiB, 10s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::stuck);
    EXPECT_NE(ended[0].detail.find("pattern"), std::string::npos) << ended[0].detail;
    EXPECT_EQ(ended[0].after, 1024_MiB);
    EXPECT_EQ(ends.orders.size(), 1U) << "it is not asked again and again";
}

TEST_F(ApplicationBalloonsTest, MorePiecesThanWereAskedForAreNotPunched) {
    silent = true;
    set(1020_MiB);
    virtio.run(0s);
    const auto asked = std::get<balloon::Inflate>(*balloon::parse_balloon_request(lines.back()));
    say(balloon::Told{asked.id, {Frame{1}, Frame{2}, Frame{3}}});
    virtio.run(1s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_TRUE(std::holds_alternative<balloon::Settle>(*balloon::parse_balloon_request(lines.back())));
}

TEST_F(ApplicationBalloonsTest, APunchThatRefusesOrIsNotThereEndsTheMoveWithItsReason) {
    ends.punch_fails = balloon::PunchAnswer(balloon::Refused{1, ErrorCode::refused, "the domain does not run"});
    take(64_MiB, 10s);
    ends.punch_fails = Result<balloon::PunchAnswer>(fail(ErrorCode::disconnected, "nobody is there"));
    take(64_MiB, 10s);
    ASSERT_EQ(ended.size(), 2U);
    EXPECT_EQ(ended[0].reason, EndReason::stuck);
    EXPECT_EQ(ended[0].detail, "aerostat-punch: the domain does not run");
    EXPECT_EQ(ended[1].reason, EndReason::unsupported);
    EXPECT_TRUE(ends.told.empty());
}

TEST_F(ApplicationBalloonsTest, AnEarlierTargetIsDroppedBeforeAnythingIsPunched) {
    set(900_MiB);
    virtio.run(5ms);
    set(1024_MiB);  // while the guest still gathers pieces
    virtio.run(5s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_EQ(ends.held, 0U);
    EXPECT_TRUE(ends.told.empty());
}

TEST_F(ApplicationBalloonsTest, AGuestInNeedIsHelpedThoughWhatWasUnderWayFails) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    ends.has_frames = 0;
    set(800_MiB);
    virtio.run(5ms);
    set(1024_MiB);  // before it has said that it has nothing to spare
    virtio.run(5s);
    EXPECT_EQ(ends.held, 0U);
    EXPECT_FALSE(looked()->stopped);
}

TEST_F(ApplicationBalloonsTest, GivingThatFailsIsNotTriedForEver) {
    set(900_MiB);
    virtio.run(5s);
    reachable = false;
    set(1024_MiB);
    virtio.run(60s);
    EXPECT_TRUE(looked()->stopped);
    reachable = true;
    set(1024_MiB);
    virtio.run(5s);
    EXPECT_EQ(ends.held, 0U);
}

TEST_F(ApplicationBalloonsTest, ALinkThatIsLostEndsTheExchangeAndTheNextOneBeginsFromWhatIsTold) {
    before_answer = [this] { reachable = false; };
    set(900_MiB);
    virtio.run(1s);  // the pieces are told, and the answer is lost
    balloons.link_changed(kGuest);
    EXPECT_FALSE(looked()) << "nothing is known of it now";
    EXPECT_FALSE(balloons.less_held(kGuest, 1024_MiB));
    reachable = true;
    before_answer = [] {};
    heard_state();
    virtio.run(1s);
    EXPECT_TRUE(ends.told.empty()) << "what an earlier session left unsettled goes back";
    EXPECT_EQ(looked()->actual, 1024_MiB);
}

TEST_F(ApplicationBalloonsTest, ASilentGuestIsNotWaitedForLongerThanItsDeadline) {
    silent = true;
    take(64_MiB, 3s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::deadline);
    virtio.run(30s);
    EXPECT_FALSE(looked()->is_working);
}

TEST_F(ApplicationBalloonsTest, AnswersToOtherQuestionsAndGarbageAreDropped) {
    silent = true;
    set(960_MiB);
    say(balloon::Told{4711, {Frame{5}}});
    balloons.heard(kGuest, "told 1 5 4");
    balloons.heard(kGuest, std::string(3000, 'x'));
    virtio.run(1s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_EQ(balloons.malformed_lines(), 2U);
}

TEST_F(ApplicationBalloonsTest, AFrozenGuestIsNotTouched) {
    frozen = "its memory is being copied (a migration, or a save)";
    take(64_MiB, 5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::stuck);
    EXPECT_EQ(ended[0].detail, frozen);
    EXPECT_TRUE(lines.empty());
}

TEST_F(ApplicationBalloonsTest, AGuestThatFreezesAfterItsPiecesWereToldIsNotPunched) {
    before_answer = [this] { frozen = "it is suspended"; };
    take(64_MiB, 5s);
    EXPECT_TRUE(ends.orders.empty());
    EXPECT_TRUE(ends.told.empty());
    EXPECT_EQ(ends.held, 0U);
}

TEST_F(ApplicationBalloonsTest, AStopOfOursIsNotTakenForAnothers) {
    EXPECT_FALSE(balloons.is_stopped_by_us(kGuest));
    bool during = false;
    before_answer = [&] { during = during || balloons.is_stopped_by_us(kGuest); };
    set(960_MiB);
    virtio.run(15ms);  // told, and being punched
    EXPECT_TRUE(balloons.is_stopped_by_us(kGuest));
    virtio.run(100ms);
    EXPECT_TRUE(balloons.is_stopped_by_us(kGuest)) << "libvirt's word of it may come later";
    EXPECT_TRUE(during) << "also while it is settled";
    clock.advance(10s);
    EXPECT_FALSE(balloons.is_stopped_by_us(kGuest));
}

TEST_F(ApplicationBalloonsTest, WhatAStallingGuestTookBackIsNotTakenAgain) {
    set(900_MiB);
    virtio.run(5s);
    ASSERT_EQ(ends.held, 62U);
    ends.held = 0;
    say(balloon::Released{62});
    virtio.run(5s);
    EXPECT_EQ(looked()->actual, 1024_MiB);
    EXPECT_EQ(ends.held, 0U);
}

TEST_F(ApplicationBalloonsTest, WithoutItsEndInTheGuestNothingIsOrdered) {
    say(balloon::Refused{0, ErrorCode::not_found, "no aerostat-balloon"});
    take(64_MiB, 5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::unsupported);
    EXPECT_EQ(balloons.trouble(kGuest), "no aerostat-balloon");
    EXPECT_TRUE(virtio.targets.empty()) << "virtio-balloon does not take its place";
}

}  // namespace
}  // namespace aerostat::host::act
