#include "host-controller/act/application_balloons.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/host-controller/fake_balloons.h"

namespace aerostat::host::act {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using balloon::Frame;
using balloon::Frames;

const GuestId kGuest = "domain:00000000-0000-0000-0000-000000000001";
const balloon::Secret kSecret = *balloon::parse_secret("00112233445566778899aabbccddeeff");

/// A guest's aerostat-balloon behind its guestd, and the aerostat-punch of its host. Tests make them fail and lie.
struct FakeEnds {
    [[nodiscard]] balloon::BalloonAnswer answer(const balloon::BalloonRequest& request) {
        return std::visit([this](const auto& one) { return carry_out(one); }, request);
    }
    balloon::BalloonAnswer carry_out(const balloon::AskState& ask) { return state(ask.id); }
    balloon::BalloonAnswer carry_out(const balloon::Inflate& inflate) {
        if (!told.empty()) return balloon::Refused{inflate.id, ErrorCode::busy, "unsettled"};
        for (std::uint32_t i = 0; i < inflate.pieces && next < has_frames; ++i) told.push_back(Frame{next++});
        if (told.empty()) return balloon::Refused{inflate.id, ErrorCode::refused, "nothing to spare"};
        return balloon::Told{inflate.id, told};
    }
    balloon::BalloonAnswer carry_out(const balloon::Settle& settle) {
        for (const Frame frame : settle.taken) {
            if (std::find(told.begin(), told.end(), frame) == told.end())
                return balloon::Refused{settle.id, ErrorCode::bad_value, "not told"};
        }
        held += static_cast<std::uint32_t>(settle.taken.size());
        const auto back = static_cast<std::uint32_t>(told.size() - settle.taken.size());
        told.clear();
        return balloon::Done{settle.id, back};
    }
    balloon::BalloonAnswer carry_out(const balloon::Deflate& deflate) {
        const std::uint32_t pieces = std::min(deflate.pieces, held);
        held -= pieces;
        return balloon::Done{deflate.id, pieces};
    }
    [[nodiscard]] balloon::State state(balloon::RequestId id) const {
        return {id, "pinned", kSecret, held, static_cast<std::uint32_t>(told.size())};
    }
    [[nodiscard]] Result<balloon::PunchAnswer> punch(const balloon::PunchOrder& order) {
        orders.push_back(order);
        if (punch_fails) return *punch_fails;
        balloon::Punched done{order.id, {}, {}, 0, 0, {}, {}};
        for (const Frame frame : order.frames) {
            if (!lies.contains(frame.number)) done.taken.push_back(frame);
        }
        return done;
    }

    Frames told;
    std::uint32_t held = 0;
    std::uint32_t next = 100;
    std::uint32_t has_frames = 100'000;
    std::set<std::uint32_t> lies;  ///< frames without the pattern
    std::optional<Result<balloon::PunchAnswer>> punch_fails;
    std::vector<balloon::PunchOrder> orders;
};

class ApplicationBalloonsTest : public ::testing::Test {
protected:
    ApplicationBalloonsTest() {
        clock.advance(1h);
        virtio.balloon.maximum = virtio.balloon.actual = 1024_MiB;
        virtio.balloon.usable = 700_MiB;
        heard_state();
    }
    void heard_state() { say(ends.state(0)); }
    void say(const balloon::BalloonAnswer& answer) {
        std::string line = balloon::line_of(answer);
        line.pop_back();
        balloons.heard(kGuest, line);
    }
    bool tell(const std::string& line) {
        if (!reachable) return false;
        lines.push_back(line);
        if (silent) return true;
        const auto request = balloon::parse_balloon_request(line);
        EXPECT_TRUE(request) << line;
        virtio.later(takes, [this, request] {
            before_answer();
            if (reachable) say(ends.answer(*request));
        });
        return true;
    }
    [[nodiscard]] Result<OsBalloon> looked() {
        Result<OsBalloon> seen = fail(ErrorCode::internal, "no answer");
        balloons.look(kGuest, [&seen](Result<OsBalloon> answer) { seen = std::move(answer); });
        virtio.run(0s);
        return seen;
    }
    void set(Bytes actual) {
        ASSERT_TRUE(looked());
        balloons.set_target(kGuest, actual, [this](const Status& status) { answers.push_back(status.has_value()); });
    }
    void take(Bytes amount, Duration within) {
        mover.take(kGuest, amount, 128_MiB, clock.now() + within, [this](const BalloonOutcome& o) { ended.push_back(o); });
        virtio.run(within + 1s);
    }

    ManualClock clock;
    host::testing::FakeBalloons virtio{clock};
    FakeEnds ends;
    bool on = true;
    Bytes free = 10_GiB;
    bool reachable = true;
    bool silent = false;
    Duration takes = 10ms;
    Duration punch_takes = 10ms;
    std::string frozen;
    std::function<void()> before_answer = [] {};
    std::vector<std::string> lines;
    std::vector<bool> answers;
    std::vector<BalloonOutcome> ended;
    ApplicationBalloons balloons{
        {virtio, clock, [this](const GuestId&) { return on; }, [](const GuestId&) { return std::optional<Bytes>(1024_MiB); },
         [this](const GuestId&) { return frozen; }, [this](const GuestId&, const std::string& line) { return tell(line); },
         [this](const balloon::PunchOrder& order, auto answer) {
             virtio.later(punch_takes, [this, order, answer] { answer(ends.punch(order)); });
         },
         [this](Duration pause, std::function<void()> then) { virtio.later(pause, std::move(then)); },
         [this] { return free; }}};
    BalloonMover mover{{balloons,
                        clock,
                        [this](Duration pause, std::function<void()> then) { virtio.later(pause, std::move(then)); },
                        [](const GuestId&) { return std::nullopt; },
                        {}}};
};

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
