#include "tests/unit/host-controller/operations_fixture.h"

namespace aerostat::host::act {
namespace {

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

}  // namespace
}  // namespace aerostat::host::act
