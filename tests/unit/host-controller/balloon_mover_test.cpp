#include "host-controller/act/balloon_mover.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/fake_balloons.h"

namespace aerostat::host::act {
namespace {

using namespace literals;
using namespace std::chrono_literals;

const GuestId kGuest = "domain:one";

class BalloonMoverTest : public ::testing::Test {
protected:
    BalloonMoverTest() {
        clock.advance(1h);
        balloons.balloon.maximum = balloons.balloon.actual = 1024_MiB;
        balloons.balloon.usable = 700_MiB;
    }
    void take(Bytes amount, Duration within, Bytes never_below = 128_MiB) {
        mover.take(kGuest, amount, never_below, clock.now() + within,
                   [this](const BalloonOutcome& o) { ended.push_back(o); });
    }
    void give(Bytes amount, Duration within) {
        mover.give(kGuest, amount, clock.now() + within, [this](const BalloonOutcome& o) { ended.push_back(o); });
    }

    ManualClock clock;
    host::testing::FakeBalloons balloons{clock};
    std::optional<SaidAvailable> said;
    bool obeys_another = false;
    std::vector<BalloonOutcome> ended;
    BalloonMover mover{{balloons, clock,
                        [this](Duration pause, std::function<void()> then) { balloons.later(pause, std::move(then)); },
                        [this](const GuestId&) { return said; }, [this](const GuestId&) { return obeys_another; }}};
};

TEST_F(BalloonMoverTest, TakesWhatIsAskedStepByStep) {
    take(300_MiB, 5s);
    balloons.run(5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met);
    EXPECT_EQ(ended[0].before, 1024_MiB);
    EXPECT_EQ(ended[0].after, 724_MiB);
    ASSERT_EQ(balloons.targets.size(), 3U) << "two full steps and the rest";
    EXPECT_FALSE(mover.is_moving(kGuest));
}

TEST_F(BalloonMoverTest, CountsWhatItTookAgainstFiguresThatAreOlder) {
    balloons.balloon.usable = 200_MiB;  // beyond the reserve of 64 MiB there are 136
    balloons.balloon.usable_age = 10s;  // and the guest never says anything newer
    take(600_MiB, 10s);
    balloons.run(10s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::guest_pressure);
    EXPECT_GE(ended[0].after, 888_MiB);
    EXPECT_EQ(balloons.balloon.actual, ended[0].after);
}

TEST_F(BalloonMoverTest, CountsAllItTookAgainstOldFiguresAlsoWhenTheMoveIsLong) {
    balloons.balloon.usable.reset();
    said = SaidAvailable{200_MiB, clock.now() - 1s};  // and never again
    balloons.per_second = 4_MiB;
    take(600_MiB, 120s);
    balloons.run(120s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::guest_pressure);
    EXPECT_GE(ended[0].after, 888_MiB);
}

TEST_F(BalloonMoverTest, BelievesTheNewerOfBothFigures) {
    balloons.balloon.usable = 70_MiB;
    balloons.balloon.usable_age = 3s;
    said = SaidAvailable{500_MiB, clock.now() - 1s};
    take(100_MiB, 5s);
    balloons.run(5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met);
}

TEST_F(BalloonMoverTest, AtTheDeadlineTheDriverKeepsWhatItHas) {
    balloons.per_second = 64_MiB;
    take(512_MiB, 2s);
    balloons.run(10s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::deadline);
    EXPECT_EQ(balloons.target, ended[0].after);
    const Bytes then = balloons.balloon.actual;
    clock.advance(30s);
    balloons.look(kGuest, [](const auto&) {});
    balloons.run(0s);
    EXPECT_EQ(balloons.balloon.actual, then) << "nothing is taken afterwards";
}

TEST_F(BalloonMoverTest, ADriverThatStallsIsLeftAlone) {
    balloons.cannot_give_below = 1000_MiB;
    take(256_MiB, 8s);
    balloons.run(8s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::guest_pressure);
    EXPECT_EQ(ended[0].after, 1000_MiB);
    EXPECT_EQ(balloons.target, 1000_MiB);
}

TEST_F(BalloonMoverTest, NeverGoesBelowTheGuestsLeast) {
    take(5_GiB, 8s, 800_MiB);
    balloons.run(8s);
    EXPECT_EQ(ended.at(0).after, 800_MiB);
}

TEST_F(BalloonMoverTest, GivesAtOnceAndNeverBeyondTheRam) {
    balloons.balloon.actual = balloons.target = 300_MiB;
    give(Bytes(Bytes::kLimit), 5s);
    balloons.run(5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::met);
    EXPECT_EQ(balloons.targets, std::vector<Bytes>{1024_MiB});
}

TEST_F(BalloonMoverTest, HelpRaisesTheTargetWithoutWaitingForAnythingEvenWhileItTakes) {
    balloons.per_second = 64_MiB;
    take(512_MiB, 10s);
    balloons.run(1s);
    const TimePoint asked = clock.now();
    const Bytes before = balloons.balloon.actual;
    mover.help(kGuest, 32_MiB, asked + 5s, nullptr);
    balloons.run(0s);
    EXPECT_EQ(clock.now(), asked) << "hostd's own part takes no time: the hypervisor's answers are all it waits for";
    EXPECT_EQ(balloons.target, before + 32_MiB);
}

TEST_F(BalloonMoverTest, GivingEndsTakingAtOnce) {
    balloons.per_second = 64_MiB;
    take(512_MiB, 10s);
    balloons.run(1s);
    give(256_MiB, 5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::superseded);
    balloons.run(10s);
    ASSERT_EQ(ended.size(), 2U);
    EXPECT_EQ(ended[1].reason, EndReason::met);
    EXPECT_EQ(balloons.balloon.actual, 1024_MiB);
}

TEST_F(BalloonMoverTest, CancelledStandsWhereItIs) {
    balloons.per_second = 64_MiB;
    take(512_MiB, 10s);
    balloons.run(1s);
    mover.cancel(kGuest);
    balloons.run(1s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::cancelled);
    EXPECT_EQ(balloons.target, ended[0].after);
}

TEST_F(BalloonMoverTest, SettlesWhatAnotherLeftOutstanding) {
    balloons.balloon.actual = 900_MiB;
    balloons.target = 772_MiB;
    balloons.per_second = Bytes();
    mover.settle(kGuest);
    balloons.run(1s);
    EXPECT_EQ(balloons.target, 900_MiB);
}

TEST_F(BalloonMoverTest, AnothersOrderIsNotOverwrittenWhereAMoveEnds) {
    balloons.per_second = 64_MiB;
    take(512_MiB, 10s);
    balloons.run(1s);
    balloons.target = 600_MiB;  // somebody else's
    const std::size_t ours = balloons.targets.size();
    obeys_another = true;
    mover.cancel(kGuest);
    balloons.run(1s);
    ASSERT_EQ(ended.size(), 1U);
    mover.settle(kGuest);
    balloons.run(1s);
    EXPECT_EQ(balloons.targets.size(), ours);
    EXPECT_EQ(balloons.target, 600_MiB);
    const Bytes before = balloons.balloon.actual;
    mover.help(kGuest, 32_MiB, clock.now() + 5s, nullptr);
    balloons.run(0s);
    EXPECT_GE(balloons.target, before) << "but a guest in need is helped";
}

TEST_F(BalloonMoverTest, SaysWhatTheHypervisorSays) {
    balloons.trouble = Error{ErrorCode::unsupported, "no autodeflate"};
    take(100_MiB, 5s);
    balloons.run(5s);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::unsupported);
    EXPECT_EQ(ended[0].detail, "no autodeflate");
    EXPECT_TRUE(balloons.targets.empty());
}

}  // namespace
}  // namespace aerostat::host::act
