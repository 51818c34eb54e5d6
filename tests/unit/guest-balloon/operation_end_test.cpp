#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

/// A guest with one JVM that has been ordered to give 100 MiB within a second.
class OperationEnd : public ::testing::Test {
protected:
    void SetUp() override { start(OnShortfall::keep); }
    void start(OnShortfall rule) {
        ControlRequest request = Guest::squeeze("shop", 100_MiB);
        request.deadline = Millis(1000);
        request.on_shortfall = rule;
        op = *guest.ask(request);
        guest.measure(1200_MiB);
        order = guest.take_order();
    }
    Guest guest;
    ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    std::string op;
    SetHeapTarget order;
};

TEST_F(OperationEnd, ComesAtDeadlineAndGraceWhenTheAgentIsLate) {
    guest.advance(milliseconds(1299));
    EXPECT_TRUE(guest.view(op).running);
    guest.say(shop, Guest::report(980_MiB));
    guest.advance(milliseconds(1));
    guest.measure(1160_MiB);
    const OperationView view = guest.view(op);
    EXPECT_FALSE(view.running);
    EXPECT_EQ(view.reason, EndReason::deadline);
    EXPECT_EQ(view.obtained, 44_MiB);
    EXPECT_EQ(view.verified, 40_MiB);
    EXPECT_EQ(view.shortfall, 56_MiB);
    const auto cancels = guest.take<CancelAgent>();
    ASSERT_EQ(cancels.size(), 1U) << "whenever the agent wakes up it must not go on taking";
    EXPECT_EQ(cancels[0].cancel.op, op);
}

TEST_F(OperationEnd, CallsAnAgentStuckThatSaysNothingAtAll) {
    guest.clock.advance(seconds(3));
    guest.advance(milliseconds(1));
    guest.measure(std::nullopt);
    EXPECT_EQ(guest.view(op).reason, EndReason::stuck);
}

TEST_F(OperationEnd, IsNotDelayedByAMeasurementThatHangs) {
    guest.answer(shop, order, 100_MiB, EndReason::met);
    EXPECT_TRUE(guest.view(op).running);
    guest.advance(milliseconds(500));
    EXPECT_FALSE(guest.view(op).running);
    EXPECT_FALSE(guest.view(op).verified);
}

TEST_F(OperationEnd, IgnoresAnswersOfOtherSessionsAndOperations) {
    SetHeapTarget other = order;
    other.session = "s9";
    guest.answer(shop, other, 100_MiB, EndReason::met);
    other = order;
    other.op = "op-9";
    guest.answer(shop, other, 100_MiB, EndReason::met);
    EXPECT_TRUE(guest.take<Measure>().empty());
    EXPECT_TRUE(guest.view(op).running);
}

TEST_F(OperationEnd, IgnoresASecondAnswer) {
    guest.answer(shop, order, 60_MiB, EndReason::floor);
    guest.answer(shop, order, 100_MiB, EndReason::met);
    guest.measure(1140_MiB);
    EXPECT_EQ(guest.view(op).obtained, 60_MiB);
    EXPECT_EQ(guest.view(op).reason, EndReason::floor);
}

TEST_F(OperationEnd, SendsTheOrderAgainToAnAgentThatReturnsInTime) {
    guest.state.agent_gone(shop, guest.clock.now(), guest.effects);
    guest.clock.advance(milliseconds(400));
    ASSERT_TRUE(guest.try_connect("shop", 10, 1000, "s2"));
    const SetHeapTarget again = guest.take_order();
    EXPECT_EQ(again.op, op);
    EXPECT_EQ(again.session, "s2");
    EXPECT_EQ(again.target, order.target);
    EXPECT_EQ(again.deadline, Millis(600));
    guest.answer(guest.next_connection - 1, again, 100_MiB, EndReason::met);
    guest.measure(1100_MiB);
    EXPECT_EQ(guest.view(op).reason, EndReason::met);
}

TEST_F(OperationEnd, IsDisconnectedForAnAgentThatStaysAway) {
    guest.state.agent_gone(shop, guest.clock.now(), guest.effects);
    guest.advance(milliseconds(1300));
    guest.measure(1200_MiB);
    EXPECT_EQ(guest.view(op).reason, EndReason::disconnected);
    EXPECT_EQ(guest.view(op).verified, 0_B);
}

TEST_F(OperationEnd, ComesAtOnceWhenTheProcessHasEnded) {
    guest.state.agent_gone(shop, guest.clock.now(), guest.effects);
    guest.dead.insert(10);
    guest.state.forget_dead(guest.alive(), guest.clock.now(), guest.effects);
    EXPECT_FALSE(guest.view(op).running);
    EXPECT_EQ(guest.view(op).reason, EndReason::disconnected);
}

TEST_F(OperationEnd, IsNotConfusedByANewProcessOfTheSameName) {
    guest.state.agent_gone(shop, guest.clock.now(), guest.effects);
    guest.dead.insert(10);
    guest.connect("shop", 11);
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    EXPECT_EQ(guest.view(op).reason, EndReason::disconnected);
}

TEST_F(OperationEnd, ANewerOrderSupersedes) {
    guest.say(shop, Guest::report(1000_MiB));
    const auto newer = guest.ask(Guest::squeeze("shop", 200_MiB));
    EXPECT_EQ(guest.view(op).reason, EndReason::superseded);
    EXPECT_EQ(guest.view(op).obtained, 24_MiB);
    EXPECT_TRUE(guest.view(*newer).running);
    guest.answer(shop, order, 100_MiB, EndReason::superseded);
    EXPECT_TRUE(guest.view(*newer).running);
}

TEST_F(OperationEnd, ASqueezeNeverLoosensTheOneBefore) {
    guest.answer(shop, order, 10_MiB, EndReason::deadline);
    guest.say(shop, [] {
        JvmReport report = Guest::report(1000_MiB);
        report.target = HeapTarget{924_MiB};
        return report;
    }());
    ASSERT_TRUE(guest.ask(Guest::squeeze("shop", 10_MiB)));
    guest.take<Measure>();
    guest.advance(milliseconds(500));
    EXPECT_EQ(guest.take_order().target.footprint, 924_MiB);
}

TEST_F(OperationEnd, CancelTellsTheAgentAndTakesItsAnswer) {
    ControlRequest cancel = Guest::command(Command::cancel);
    cancel.op = op;
    cancel.on_shortfall = OnShortfall::rollback;
    ASSERT_TRUE(guest.state.cancel(cancel, guest.clock.now(), guest.effects));
    const auto cancels = guest.take<CancelAgent>();
    ASSERT_EQ(cancels.size(), 1U);
    EXPECT_EQ(cancels[0].cancel.rest, OnShortfall::rollback);
    order.on_shortfall = OnShortfall::rollback;
    guest.answer(shop, order, 0_B, EndReason::cancelled);
    guest.measure(1200_MiB);
    EXPECT_EQ(guest.view(op).reason, EndReason::cancelled);
    EXPECT_EQ(guest.view(op).rest, RestIs::rolled_back);
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.ceiling);
    EXPECT_EQ(guest.state.cancel(cancel, guest.clock.now(), guest.effects).error().code, ErrorCode::refused);
    cancel.op = "op-unknown";
    EXPECT_EQ(guest.state.cancel(cancel, guest.clock.now(), guest.effects).error().code, ErrorCode::not_found);
}

TEST_F(OperationEnd, CancelDoesNotWaitForAnAgentThatIgnoresIt) {
    ControlRequest cancel = Guest::command(Command::cancel);
    cancel.op = op;
    ASSERT_TRUE(guest.state.cancel(cancel, guest.clock.now(), guest.effects));
    guest.advance(OrderBook::kCancelWithin);
    guest.measure(1200_MiB);
    EXPECT_EQ(guest.view(op).reason, EndReason::cancelled);
}

TEST_F(OperationEnd, RollbackRestoresTheCeilingBefore) {
    guest.answer(shop, order, 100_MiB, EndReason::met);
    guest.measure(1100_MiB);
    start(OnShortfall::rollback);
    guest.answer(shop, order, 10_MiB, EndReason::gc_distress);
    guest.measure(1100_MiB);
    EXPECT_EQ(guest.view(op).rest, RestIs::rolled_back);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.ceiling, 924_MiB);
}

TEST_F(OperationEnd, KeepsTheLastSixtyFour) {
    guest.answer(shop, order, 100_MiB, EndReason::met);
    guest.measure(std::nullopt);
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(guest.ask(Guest::command(Command::release)));
    EXPECT_EQ(guest.state.orders().views(guest.clock.now()).size(), OrderBook::kKept + 1);  // the first release still runs
}

TEST_F(OperationEnd, SaysWhenItNextNeedsTime) {
    EXPECT_EQ(*guest.state.next_due() - guest.clock.now(), milliseconds(1300));
    guest.answer(shop, order, 100_MiB, EndReason::met);
    EXPECT_EQ(*guest.state.next_due() - guest.clock.now(), milliseconds(500));
    guest.measure(1100_MiB);
    EXPECT_FALSE(guest.state.next_due());
}

}  // namespace
}  // namespace aerostat::guest
