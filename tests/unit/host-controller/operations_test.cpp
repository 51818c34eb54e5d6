#include "host-controller/act/operations.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/fake_balloons.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::act {
namespace {

using namespace host::testing;

class OperationsTest : public ::testing::Test {
protected:
    OperationOrder squeeze(Millis deadline = Millis(5'000)) {
        OperationOrder order;
        order.command = "squeeze";
        order.guest = "session:1:1";
        order.target = "shop";
        order.layers = {{"heap", HeapTarget{100_MiB}, 150_MiB}};
        order.asked = 50_MiB;
        order.deadline = deadline;
        order.verify = true;
        return order;
    }
    std::string start(OperationOrder order) {
        return operations.start(std::move(order), [this](const EndedOperation& e) { ended.push_back(e); });
    }
    OperationResult result(const std::string& op, Bytes obtained, EndReason reason) {
        OperationResult one;
        one.op = op;
        one.asked = 50_MiB;
        one.obtained = obtained;
        one.shortfall = saturating_sub(50_MiB, obtained);
        one.reason = reason;
        JvmOutcome& heap = one.jvms.emplace_back();
        heap.jvm = "heap";
        heap.before = 150_MiB;
        heap.after = saturating_sub(150_MiB, obtained);
        heap.asked = 50_MiB;
        heap.obtained = obtained;
        return one;
    }
    static GuestReport report_of(const std::vector<std::string>& jvms) {
        GuestReport report;
        for (const std::string& jvm : jvms) report.jvms.emplace_back().name = jvm;
        return report;
    }
    void answer_measurement(std::optional<Bytes> pss) {
        ASSERT_FALSE(questions.empty());
        const auto answer = questions.front();
        questions.erase(questions.begin());
        answer(pss);
    }
    const Apply& sent(std::size_t i) { return std::get<Apply>(messages.at(i)); }

    ManualClock clock;
    bool reachable = true;
    std::vector<Message> messages;
    std::vector<std::function<void(std::optional<Bytes>)>> questions;
    std::vector<EndedOperation> ended;
    Operations operations{{.send =
                               [this](const GuestId&, Message message) {
                                   if (reachable) messages.push_back(std::move(message));
                                   return reachable;
                               },
                           .measure = [this](const GuestId&, auto answer) { questions.push_back(std::move(answer)); }},
                          clock};
};

TEST_F(OperationsTest, MeasuresBeforeItSendsAndAfterTheResult) {
    const std::string op = start(squeeze());
    EXPECT_TRUE(messages.empty());
    answer_measurement(400_MiB);
    ASSERT_EQ(messages.size(), 1U);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    EXPECT_TRUE(ended.empty());
    answer_measurement(352_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.verified, 48_MiB);
    EXPECT_EQ(ended[0].view.obtained, 50_MiB);
    EXPECT_EQ(ended[0].view.reason, EndReason::met);
}

TEST_F(OperationsTest, VerifiedIsNeverNegative) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    answer_measurement(450_MiB);
    EXPECT_EQ(ended[0].view.verified, Bytes());
}

TEST_F(OperationsTest, EndsAtDeadlinePlusGraceWhenTheGuestNeverAnswers) {
    start(squeeze());
    answer_measurement(400_MiB);
    clock.advance(5900ms);
    operations.tick();
    EXPECT_TRUE(ended.empty());
    clock.advance(200ms);
    operations.tick();
    answer_measurement(400_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::stuck);
    EXPECT_EQ(ended[0].view.shortfall, 50_MiB);
    EXPECT_EQ(ended[0].view.verified, Bytes());
}

TEST_F(OperationsTest, ASlowMeasurementDelaysNeitherBeginningNorEnd) {
    const std::string op = start(squeeze());
    clock.advance(600ms);
    operations.tick();
    ASSERT_EQ(messages.size(), 1U) << "sent without a figure from before";
    EXPECT_LE(sent(0).deadline, Millis(4'400));
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_FALSE(ended[0].view.verified);
}

TEST_F(OperationsTest, AShortfallKeepsTheGuestsReason) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 20_MiB, EndReason::gc_distress));
    answer_measurement(380_MiB);
    EXPECT_EQ(ended[0].view.reason, EndReason::gc_distress);
    EXPECT_EQ(ended[0].view.shortfall, 30_MiB);
}

TEST_F(OperationsTest, AClaimToHaveMetItWithoutTheBytesIsNotBelieved) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 20_MiB, EndReason::met));
    answer_measurement(380_MiB);
    EXPECT_NE(ended[0].view.reason, EndReason::met);
}

TEST_F(OperationsTest, SendsTheSameOrderAgainAfterAReconnectionOnceTheGuestHasItsHeapsBack) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    clock.advance(1s);
    operations.rejoined("session:1:1");
    operations.reported("session:1:1", report_of({}));
    operations.reported("session:1:1", report_of({"another"}));
    operations.reported("session:2:2", report_of({"heap"}));
    EXPECT_EQ(messages.size(), 1U) << "a daemon that does not know the JVM yet would refuse";
    clock.advance(1s);
    operations.reported("session:1:1", report_of({"another", "heap"}));
    operations.reported("session:1:1", report_of({"heap"}));
    ASSERT_EQ(messages.size(), 2U) << "once";
    EXPECT_EQ(sent(1).op, op);
    EXPECT_EQ(sent(1).deadline, Millis(3'000));
    EXPECT_EQ(sent(1).jvms[0].target, HeapTarget{100_MiB});
    EXPECT_EQ(sent(0).jvms[0].shrink_by, 50_MiB);
    EXPECT_EQ(sent(1).jvms[0].shrink_by, 0_B) << "an operator's still, but it may have been carried out already";
    OperationResult again = result(op, Bytes(), EndReason::met);
    again.jvms[0].before = again.jvms[0].after = 100_MiB;
    again.jvms[0].asked = Bytes();
    operations.take_result("session:1:1", again);
    answer_measurement(350_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.obtained, 50_MiB) << "counted from what it was when it was asked";
    EXPECT_EQ(ended[0].view.reason, EndReason::met);
}

TEST_F(OperationsTest, NothingIsSentAgainThatWasCancelledOrOvertaken) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    operations.rejoined("session:1:1");
    ASSERT_TRUE(operations.cancel(op));
    const auto before = messages.size();
    operations.reported("session:1:1", report_of({"heap"}));
    EXPECT_EQ(messages.size(), before);
    const std::string older = start(squeeze());
    answer_measurement(400_MiB);
    const std::string newer = start(squeeze());
    answer_measurement(400_MiB);
    operations.rejoined("session:1:1");
    const auto sent_before = messages.size();
    operations.reported("session:1:1", report_of({"heap"}));
    ASSERT_EQ(messages.size(), sent_before + 1);
    EXPECT_EQ(sent(sent_before).op, newer);
    answer_measurement(400_MiB);
    EXPECT_EQ(ended.back().view.op, older);
    EXPECT_EQ(ended.back().view.reason, EndReason::superseded);
}

TEST_F(OperationsTest, AGuestThatComesBackWithoutItsHeapsIsSaidToBeDisconnected) {
    start(squeeze());
    answer_measurement(400_MiB);
    operations.rejoined("session:1:1");
    clock.advance(7s);
    operations.reported("session:1:1", report_of({"heap"}));
    EXPECT_EQ(messages.size(), 1U) << "too late";
    operations.tick();
    answer_measurement(std::nullopt);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::disconnected);
}

TEST_F(OperationsTest, AGuestThatWasNeverReachedIsSaidToBeDisconnected) {
    reachable = false;
    start(squeeze());
    answer_measurement(400_MiB);
    clock.advance(7s);
    operations.tick();
    answer_measurement(std::nullopt);
    EXPECT_EQ(ended[0].view.reason, EndReason::disconnected);
}

TEST_F(OperationsTest, UnknownResultsAndThoseOfOtherGuestsAreAcceptedSilently) {
    const std::string op = start(squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result("nobody-knows", 1_MiB, EndReason::met));
    operations.take_result("session:2:2", result(op, 50_MiB, EndReason::met));
    EXPECT_TRUE(ended.empty());
}

TEST_F(OperationsTest, CancelTellsTheGuestAndEndsEvenWithoutItsAnswer) {
    const std::string op = start(squeeze(Millis(60'000)));
    answer_measurement(400_MiB);
    ASSERT_TRUE(operations.cancel(op));
    EXPECT_TRUE(std::holds_alternative<Cancel>(messages.back()));
    clock.advance(1100ms);
    operations.tick();
    answer_measurement(400_MiB);
    EXPECT_EQ(ended[0].view.reason, EndReason::cancelled);
    EXPECT_EQ(operations.cancel("nothing").error().code, ErrorCode::not_found);
}

TEST_F(OperationsTest, AGuestThatDiesEndsItsOperations) {
    start(squeeze());
    answer_measurement(400_MiB);
    operations.gone("session:1:1");
    answer_measurement(std::nullopt);
    EXPECT_EQ(ended[0].view.reason, EndReason::disconnected);
}

TEST_F(OperationsTest, RemembersTheLastOnesAndForgetsThePolicysOwnFirst) {
    const std::string kept = start(squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(kept, 50_MiB, EndReason::met));
    answer_measurement(350_MiB);
    for (int i = 0; i < 100; ++i) {
        OperationOrder order = squeeze();
        order.command = "balance";
        order.verify = false;
        operations.take_result("session:1:1", result(start(order), 50_MiB, EndReason::met));
    }
    const auto views = operations.views();
    EXPECT_LE(views.size(), 65U);
    EXPECT_EQ(views.back().op, kept);
    EXPECT_FALSE(operations.next_due());
}

class LayeredOperationsTest : public OperationsTest {
protected:
    LayeredOperationsTest() {
        clock.advance(std::chrono::hours(1));
        balloons.balloon.maximum = balloons.balloon.actual = 1024_MiB;
        balloons.balloon.usable = 700_MiB;
        operations.use_balloons(&mover);
    }
    OperationOrder layered_squeeze() {
        OperationOrder order = squeeze();
        order.os_follows = true;
        return order;
    }
    OperationOrder layered_give() {
        OperationOrder order = squeeze();
        order.command = "give";
        order.verify = false;
        order.layers = {{"heap", HeapTarget{150_MiB}, 100_MiB}};
        order.os_follows = true;
        return order;
    }

    host::testing::FakeBalloons balloons{clock};
    BalloonMover mover{{balloons, clock,
                        [this](Duration pause, std::function<void()> then) { balloons.later(pause, std::move(then)); },
                        [](const GuestId&) { return std::nullopt; }}};
};

TEST_F(LayeredOperationsTest, TheBalloonTakesWhatTheHeapGaveAndNotBefore) {
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    EXPECT_LT(sent(0).deadline, Millis(5'000)) << "time is kept for the balloon";
    balloons.run(std::chrono::seconds(1));
    EXPECT_TRUE(balloons.targets.empty());
    operations.take_result("session:1:1", result(op, 40_MiB, EndReason::deadline));
    EXPECT_TRUE(ended.empty());
    balloons.run(std::chrono::seconds(2));
    EXPECT_EQ(balloons.balloon.actual, 984_MiB);
    answer_measurement(361_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.os_moved, 40_MiB);
    EXPECT_EQ(ended[0].view.verified, 39_MiB);
    EXPECT_EQ(ended[0].view.reason, EndReason::deadline);
}

TEST_F(LayeredOperationsTest, TheOsLayerGivesBeyondWhatTheHeapGave) {
    OperationOrder order = layered_squeeze();
    order.command = "balance";
    order.os = LayerOrder{kOsLayer, HeapTarget{200_MiB}, 300_MiB, LayerKind::guest_os};
    order.os_takes = 100_MiB;
    const std::string op = start(std::move(order));
    answer_measurement(400_MiB);
    EXPECT_TRUE(balloons.targets.empty()) << "heaps first";
    operations.take_result("session:1:1", result(op, 40_MiB, EndReason::deadline));
    balloons.run(std::chrono::seconds(2));
    EXPECT_EQ(balloons.balloon.actual, 884_MiB) << "40 MiB of the heap, 100 MiB of the OS layer: not what the heap kept";
    answer_measurement(260_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.obtained, 140_MiB);
    EXPECT_EQ(ended[0].os->layer, kOsLayer);
    EXPECT_TRUE(ended[0].os_missing.is_zero());
}

TEST_F(LayeredOperationsTest, WhatAGuestOsCannotSpareIsToldAsMissing) {
    balloons.cannot_give_below = 964_MiB;
    OperationOrder order = layered_squeeze();
    order.layers.clear();
    order.command = "balance";
    order.verify = false;
    order.os = LayerOrder{kOsLayer, HeapTarget{200_MiB}, 300_MiB, LayerKind::guest_os};
    order.os_takes = 100_MiB;
    const std::string op = start(std::move(order));
    OperationResult nothing = result(op, Bytes(), EndReason::met);
    nothing.jvms.clear();
    nothing.shortfall = Bytes();
    operations.take_result("session:1:1", nothing);
    balloons.run(std::chrono::seconds(5));
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].os_missing, 40_MiB);
    EXPECT_EQ(ended[0].view.obtained, 60_MiB);
}

TEST_F(LayeredOperationsTest, TheBalloonGivesTheOsLayersPartBeforeHeapsGrow) {
    balloons.balloon.actual = balloons.target = 600_MiB;
    OperationOrder order = layered_give();
    order.os = LayerOrder{kOsLayer, HeapTarget{400_MiB}, 300_MiB, LayerKind::guest_os};
    order.os_gives = 100_MiB;
    start(std::move(order));
    EXPECT_TRUE(messages.empty());
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 750_MiB);
    ASSERT_EQ(messages.size(), 1U);
}

TEST_F(OperationsTest, AContainerIsToldWhatItMayHoldAndItsWordIsKept) {
    OperationOrder order = squeeze();
    order.command = "balance";
    order.asked = 150_MiB;
    order.os = LayerOrder{kOsLayer, HeapTarget{200_MiB}, 300_MiB, LayerKind::guest_os};
    order.os_target = GuestTarget{300_MiB};
    const std::string op = start(std::move(order));
    answer_measurement(400_MiB);
    EXPECT_EQ(sent(0).os_target, GuestTarget{300_MiB});
    OperationResult answer = result(op, 50_MiB, EndReason::met);
    answer.os = OsOutcome{450_MiB, 320_MiB, 150_MiB, 130_MiB, 20_MiB, EndReason::deadline, ""};
    operations.take_result("session:1:1", answer);
    answer_measurement(320_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.obtained, 130_MiB) << "50 MiB of the heap, 80 MiB of the 100 that the OS layer was to give";
    EXPECT_EQ(ended[0].view.os_moved, 130_MiB);
    EXPECT_EQ(ended[0].os_missing, 20_MiB);
}

TEST_F(LayeredOperationsTest, NothingIsTakenWhereTheHeapsRolledBackOrWereCancelled) {
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    OperationResult undone = result(op, 40_MiB, EndReason::deadline);
    undone.rest = RestIs::rolled_back;
    operations.take_result("session:1:1", undone);
    balloons.run(std::chrono::seconds(2));
    EXPECT_TRUE(balloons.targets.empty());
}

TEST_F(LayeredOperationsTest, HeapsGrowOnlyWhenTheBalloonHasGiven) {
    balloons.balloon.actual = balloons.target = 600_MiB;
    start(layered_give());
    EXPECT_TRUE(messages.empty());
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 650_MiB);
    ASSERT_EQ(messages.size(), 1U);
}

TEST_F(LayeredOperationsTest, HeapsAreNotToldToGrowWhileTheBalloonHoldsTheirPages) {
    balloons.balloon.actual = balloons.target = 600_MiB;
    balloons.per_second = Bytes();
    start(layered_give());
    balloons.run(std::chrono::seconds(4));
    EXPECT_TRUE(messages.empty());
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::stuck);
}

TEST_F(LayeredOperationsTest, AGuestWithoutABalloonIsServedByItsHeapsAlone) {
    balloons.trouble = Error{ErrorCode::unsupported, "no autodeflate"};
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    balloons.run(std::chrono::seconds(1));
    answer_measurement(350_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::met);
    EXPECT_FALSE(ended[0].view.os_moved);
    EXPECT_EQ(ended[0].view.detail, "no autodeflate");
}

TEST_F(LayeredOperationsTest, AHeapThatGrewPastItsTargetAndIsPushedBackGivesTheBalloonNothingTwice) {
    for (int i = 0; i < 3; ++i) {
        const std::string op = start(layered_squeeze());
        answer_measurement(400_MiB);
        operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
        balloons.run(std::chrono::seconds(1));
        EXPECT_EQ(balloons.balloon.actual, 974_MiB);
        answer_measurement(350_MiB);
        ASSERT_EQ(ended.size(), static_cast<std::size_t>(i) + 1);
        EXPECT_EQ(ended.back().view.reason, EndReason::met);
    }
}

TEST_F(LayeredOperationsTest, AHeapThatMayGrowAndIsSqueezedAgainMovesTheBalloonToAndFro) {
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    balloons.run(std::chrono::seconds(1));
    answer_measurement(350_MiB);
    const std::string give = start(layered_give());
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 1024_MiB);
    operations.take_result("session:1:1", result(give, 50_MiB, EndReason::met));
    const std::string again = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(again, 50_MiB, EndReason::met));
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 974_MiB);
}

TEST_F(LayeredOperationsTest, ASqueezeWhoseBalloonWasInterruptedByNeedSaysSo) {
    balloons.per_second = 8_MiB;
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    balloons.run(std::chrono::milliseconds(500));
    mover.help("session:1:1", 10_MiB, clock.now() + std::chrono::seconds(5), nullptr);
    answer_measurement(396_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_NE(ended[0].view.detail.find("the guest asked for memory at once"), std::string::npos) << ended[0].view.detail;
}

TEST_F(LayeredOperationsTest, WhatTheBalloonDidAfterAllIsCountedToo) {
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    clock.advance(10s);  // the balloon's driver did not answer all the while
    operations.tick();
    answer_measurement(400_MiB);
    ASSERT_EQ(ended.size(), 1U);
    balloons.run(std::chrono::seconds(1));
    const Bytes taken = saturating_sub(1024_MiB, balloons.balloon.actual);
    const std::string again = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(again, 50_MiB, EndReason::met));
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 974_MiB) << format_bytes(taken) << " were taken by the first";
}

TEST_F(LayeredOperationsTest, NothingIsTakenWhereNothingHoldsTheHeap) {
    OperationOrder order = layered_squeeze();
    order.os_takes_not = "levers only";
    const std::string op = start(order);
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    balloons.run(std::chrono::seconds(1));
    answer_measurement(350_MiB);
    EXPECT_TRUE(balloons.targets.empty());
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::met);
    EXPECT_EQ(ended[0].view.detail, "levers only");
}

TEST_F(LayeredOperationsTest, ItGivesNoMoreThanThereIs) {
    balloons.balloon.actual = balloons.target = 600_MiB;
    OperationOrder order = layered_give();
    order.os_gives_most = 20_MiB;
    start(order);
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 620_MiB);
}

TEST_F(LayeredOperationsTest, CancellingStopsTheBalloonWhereItIs) {
    balloons.per_second = 8_MiB;
    const std::string op = start(layered_squeeze());
    answer_measurement(400_MiB);
    operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
    balloons.run(std::chrono::milliseconds(500));
    ASSERT_TRUE(operations.cancel(op));
    balloons.run(std::chrono::milliseconds(500));
    answer_measurement(396_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(balloons.target, balloons.balloon.actual);
    EXPECT_GT(balloons.balloon.actual, 974_MiB);
}

}  // namespace
}  // namespace aerostat::host::act
