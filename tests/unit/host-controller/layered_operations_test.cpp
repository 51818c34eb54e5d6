#include "tests/unit/host-controller/fake_balloons.h"
#include "tests/unit/host-controller/operations_fixture.h"

// Heaps and the balloon of a virtual machine, in the right order.
namespace aerostat::host::act {
namespace {

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
    /// The balloon is next.
    std::string squeeze_until_the_heap_has_given() {
        const std::string op = start(layered_squeeze());
        answer_measurement(400_MiB);
        operations.take_result("session:1:1", result(op, 50_MiB, EndReason::met));
        return op;
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
    squeeze_until_the_heap_has_given();
    balloons.run(std::chrono::seconds(1));
    answer_measurement(350_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].view.reason, EndReason::met);
    EXPECT_FALSE(ended[0].view.os_moved);
    EXPECT_EQ(ended[0].view.detail, "no autodeflate");
}

TEST_F(LayeredOperationsTest, AHeapThatGrewPastItsTargetAndIsPushedBackGivesTheBalloonNothingTwice) {
    for (int i = 0; i < 3; ++i) {
        squeeze_until_the_heap_has_given();
        balloons.run(std::chrono::seconds(1));
        EXPECT_EQ(balloons.balloon.actual, 974_MiB);
        answer_measurement(350_MiB);
        ASSERT_EQ(ended.size(), static_cast<std::size_t>(i) + 1);
        EXPECT_EQ(ended.back().view.reason, EndReason::met);
    }
}

TEST_F(LayeredOperationsTest, AHeapThatMayGrowAndIsSqueezedAgainMovesTheBalloonToAndFro) {
    squeeze_until_the_heap_has_given();
    balloons.run(std::chrono::seconds(1));
    answer_measurement(350_MiB);
    const std::string give = start(layered_give());
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 1024_MiB);
    operations.take_result("session:1:1", result(give, 50_MiB, EndReason::met));
    squeeze_until_the_heap_has_given();
    balloons.run(std::chrono::seconds(1));
    EXPECT_EQ(balloons.balloon.actual, 974_MiB);
}

TEST_F(LayeredOperationsTest, ASqueezeWhoseBalloonWasInterruptedByNeedSaysSo) {
    balloons.per_second = 8_MiB;
    squeeze_until_the_heap_has_given();
    balloons.run(std::chrono::milliseconds(500));
    mover.help("session:1:1", 10_MiB, clock.now() + std::chrono::seconds(5), nullptr);
    answer_measurement(396_MiB);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_NE(ended[0].view.detail.find("the guest asked for memory at once"), std::string::npos) << ended[0].view.detail;
}

TEST_F(LayeredOperationsTest, WhatTheBalloonDidAfterAllIsCountedToo) {
    squeeze_until_the_heap_has_given();
    clock.advance(10s);  // the balloon's driver did not answer all the while
    operations.tick();
    answer_measurement(400_MiB);
    ASSERT_EQ(ended.size(), 1U);
    balloons.run(std::chrono::seconds(1));
    const Bytes taken = saturating_sub(1024_MiB, balloons.balloon.actual);
    squeeze_until_the_heap_has_given();
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
    const std::string op = squeeze_until_the_heap_has_given();
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
