#include <gmock/gmock.h>

#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

using ::testing::HasSubstr;

TEST(Squeeze, TakesBytesOffTheFootprintAtAcceptance) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    ASSERT_TRUE(op);
    EXPECT_TRUE(guest.take<OrderAgent>().empty()) << "the PSS before is measured first";
    guest.measure(1200_MiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 924_MiB);
    EXPECT_EQ(order.session, "s1");
    EXPECT_EQ(order.op, *op);

    guest.clock.advance(milliseconds(400));
    guest.answer(shop, order, 100_MiB, EndReason::met);
    guest.measure(1110_MiB);
    const OperationView view = guest.view(*op);
    EXPECT_FALSE(view.running);
    EXPECT_EQ(view.asked, 100_MiB);
    EXPECT_EQ(view.obtained, 100_MiB);
    EXPECT_EQ(view.verified, 90_MiB);
    EXPECT_EQ(view.shortfall, 0_B);
    EXPECT_EQ(view.reason, EndReason::met);
    EXPECT_EQ(view.elapsed, Millis(400));
    EXPECT_EQ(guest.take<OperationEnded>().size(), 1U);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.ceiling, 924_MiB);
}

TEST(Squeeze, PassesOnTheTimeThatIsLeft) {
    Guest guest;
    guest.connect("shop", 10);
    ControlRequest request = Guest::squeeze("shop", 100_MiB);
    request.deadline = Millis(2000);
    request.hold = Millis(60'000);
    ASSERT_TRUE(guest.ask(request));
    guest.clock.advance(milliseconds(30));
    guest.measure(1_GiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.deadline, Millis(1970));
    EXPECT_EQ(order.hold, Millis(59'970));
}

TEST(Squeeze, GoesOutUnverifiedWhenTheInstrumentHangs) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.advance(milliseconds(499));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    guest.advance(milliseconds(1));
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    EXPECT_FALSE(guest.view(*op).running);
    EXPECT_FALSE(guest.view(*op).verified);
}

TEST(Squeeze, NeverVerifiesLessThanNothing) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.measure(1_GiB);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    guest.measure(2_GiB);
    EXPECT_EQ(guest.view(*op).verified, 0_B);
}

TEST(Squeeze, OfMoreThanTheHeapHoldsIsRefusedWithWhatCouldBeGiven) {
    Guest guest;
    guest.connect("shop", 10, 430_MiB);
    const auto op = guest.ask(Guest::squeeze("shop", 431_MiB));
    ASSERT_FALSE(op);
    EXPECT_EQ(op.error().code, ErrorCode::refused);
    EXPECT_THAT(op.error().message, HasSubstr("holds 430 MiB"));
    EXPECT_THAT(op.error().message, HasSubstr("100 MiB lie above its floor"));
    EXPECT_TRUE(guest.effects.empty());
}

TEST(Squeeze, BelowTheFloorIsTheAgentsToRefuse) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 430_MiB);
    const auto op = guest.ask(Guest::squeeze("shop", 200_MiB));
    ASSERT_TRUE(op);
    guest.measure(std::nullopt);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 230_MiB);
    guest.answer(shop, order, 120_MiB, EndReason::floor, 200_MiB);
    EXPECT_EQ(guest.view(*op).reason, EndReason::floor);
    EXPECT_EQ(guest.view(*op).obtained, 120_MiB) << "more than the reported floor had promised";
}

TEST(Squeeze, AFloorThatIsOnlyAssumedIsFoundOutByTheAgent) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 430_MiB);
    JvmReport report = Guest::report(430_MiB);
    report.live.reset();
    guest.say(shop, report);
    ASSERT_TRUE(guest.ask(Guest::squeeze("shop", 200_MiB)));
    guest.measure(std::nullopt);
    EXPECT_EQ(guest.take_order().target.footprint, 230_MiB);
    EXPECT_EQ(guest.ask(Guest::squeeze("shop", 431_MiB)).error().code, ErrorCode::refused);
}

TEST(Squeeze, OfAnUnknownJvmNamesTheKnownOnes) {
    Guest guest;
    guest.connect("shop", 10);
    guest.connect("search", 11);
    const auto op = guest.ask(Guest::squeeze("nobody", 1_MiB));
    EXPECT_EQ(op.error().code, ErrorCode::not_found);
    EXPECT_THAT(op.error().message, HasSubstr("search, shop"));
}

TEST(Squeeze, OfAJvmThatCannotBalloonSaysWhy) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    JvmReport report = Guest::report();
    report.facts.can_balloon = false;
    report.facts.why_not = "Serial: opt-in only";
    guest.say(shop, report);
    const auto op = guest.ask(Guest::squeeze("shop", 1_MiB));
    EXPECT_EQ(op.error().code, ErrorCode::unsupported);
    EXPECT_THAT(op.error().message, HasSubstr("Serial: opt-in only"));
}

TEST(Squeeze, UnderstandsItsOwnGuestInFrontOfTheName) {
    Guest guest;
    guest.connect("shop", 10);
    EXPECT_TRUE(guest.ask(Guest::squeeze("guest/shop", 1_MiB)));
    EXPECT_EQ(guest.ask(Guest::squeeze("other/shop", 1_MiB)).error().code, ErrorCode::not_found);
}

TEST(Squeeze, WhileTheHostIsInChargeNeedsLocal) {
    Guest guest({}, true);
    guest.connect("shop", 10);
    guest.welcome_host();
    ControlRequest request = Guest::squeeze("shop", 1_MiB);
    const auto refused = guest.ask(request);
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_EQ(refused.error().message, "the host is in charge; use --local to override");
    request.local = true;
    EXPECT_TRUE(guest.ask(request));
}

TEST(Squeeze, CountsFromTheFootprintTheOperatorSaw) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.measure(std::nullopt);
    // The heap had shrunk by 50 MiB before the order came: the agent had only 50 left to take.
    guest.answer(shop, guest.take_order(), 50_MiB, EndReason::met, 50_MiB);
    EXPECT_EQ(guest.view(*op).obtained, 100_MiB);
    EXPECT_EQ(guest.view(*op).reason, EndReason::met);
}

TEST(Squeeze, CountsFromWhatTheProcessReallyHolds) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);  // it last looked long ago
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.measure(690_MiB);  // 90 of them outside the heap
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 500_MiB);
    guest.answer(shop, order, 100_MiB, EndReason::met);
    guest.measure(590_MiB);
    EXPECT_EQ(guest.view(*op).obtained, 100_MiB);
    EXPECT_EQ(guest.view(*op).verified, 100_MiB);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.ceiling, 500_MiB);
}

TEST(Squeeze, OfAHeapThatIsSmallerThanItSaidStopsAtTheFloor) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    const auto op = guest.ask(Guest::squeeze("shop", 600_MiB));
    guest.measure(490_MiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 330_MiB);
    guest.answer(shop, order, 70_MiB, EndReason::met, 70_MiB);
    guest.measure(420_MiB);
    EXPECT_EQ(guest.view(*op).obtained, 70_MiB);
    EXPECT_EQ(guest.view(*op).reason, EndReason::floor);
}

TEST(Squeeze, NeverObtainsRoomThatTheAgentCallsGiven) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.measure(std::nullopt);
    // Its heap was below the target already: the agent answers as to an order to grow.
    guest.answer(shop, guest.take_order(), 400_MiB, EndReason::met, 400_MiB);
    EXPECT_EQ(guest.view(*op).obtained, 100_MiB);
}

TEST(Squeeze, AMetThatTheFiguresDenyIsNotBelieved) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 10_MiB, EndReason::met, 100_MiB);
    EXPECT_EQ(guest.view(*op).reason, EndReason::not_reclaimable);
    EXPECT_EQ(guest.view(*op).shortfall, 90_MiB);
}

TEST(Give, RaisesTheTargetAndLiftsItAtTheHeapsCeiling) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    ASSERT_TRUE(guest.ask(Guest::squeeze("shop", 100_MiB)));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);

    ControlRequest give = Guest::squeeze("shop", 50_MiB);
    give.command = Command::give;
    const auto op = guest.ask(give);
    const SetHeapTarget raised = guest.take_order();
    EXPECT_EQ(raised.target.footprint, 974_MiB);
    guest.answer(shop, raised, 50_MiB, EndReason::met, 50_MiB);
    EXPECT_EQ(guest.view(*op).obtained, 50_MiB);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.ceiling, 974_MiB);

    give.bytes = 8_GiB;
    ASSERT_TRUE(guest.ask(give));
    EXPECT_GE(guest.take_order().target.footprint, 4_GiB);
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.ceiling);
}

TEST(Give, KeepsWhatIsLeftOfTheHold) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    ControlRequest squeeze = Guest::squeeze("shop", 100_MiB);
    squeeze.hold = Millis(60'000);
    ASSERT_TRUE(guest.ask(squeeze));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    guest.clock.advance(seconds(10));
    ControlRequest give = Guest::squeeze("shop", 50_MiB);
    give.command = Command::give;
    ASSERT_TRUE(guest.ask(give));
    EXPECT_EQ(guest.take_order().hold, Millis(50'000));
}

TEST(Give, ToAnUnrestrainedJvmEndsAtOnce) {
    Guest guest;
    guest.connect("shop", 10);
    ControlRequest give = Guest::squeeze("shop", 50_MiB);
    give.command = Command::give;
    const auto op = guest.ask(give);
    EXPECT_FALSE(guest.view(*op).running);
    EXPECT_EQ(guest.view(*op).reason, EndReason::met);
}

TEST(Release, LiftsAllWhenNoTargetIsNamed) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    const ConnectionId search = guest.connect("search", 11);
    for (const char* name : {"shop", "search"}) {
        ASSERT_TRUE(guest.ask(Guest::squeeze(name, 100_MiB)));
        guest.measure(std::nullopt);
    }
    const auto squeezes = guest.take<OrderAgent>();
    guest.answer(shop, squeezes[0].order, 100_MiB, EndReason::met);
    guest.answer(search, squeezes[1].order, 100_MiB, EndReason::met);
    const auto op = guest.ask(Guest::command(Command::release));
    const auto lifts = guest.take<OrderAgent>();
    ASSERT_EQ(lifts.size(), 2U);
    EXPECT_GE(lifts[0].order.target.footprint, 4_GiB);
    EXPECT_TRUE(guest.view(*op).running);
    guest.answer(search, lifts[0].order, 1_GiB, EndReason::met);
    guest.answer(shop, lifts[1].order, 1_GiB, EndReason::met);
    EXPECT_FALSE(guest.view(*op).running);
    EXPECT_EQ(guest.view(*op).reason, EndReason::met);
}

TEST(Pause, LiftsAndRefusesUntilResume) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    ASSERT_TRUE(guest.ask(Guest::squeeze("shop", 100_MiB)));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    ASSERT_TRUE(guest.ask(Guest::command(Command::pause, "shop")));
    EXPECT_GE(guest.take_order().target.footprint, 4_GiB);
    EXPECT_EQ(guest.ask(Guest::squeeze("shop", 1_MiB)).error().code, ErrorCode::refused);
    EXPECT_TRUE(guest.state.resume("shop"));
    EXPECT_TRUE(guest.ask(Guest::squeeze("shop", 1_MiB)));
}

TEST(Pause, WorksWhoeverIsInCharge) {
    Guest guest({}, true);
    guest.welcome_host();
    EXPECT_TRUE(guest.ask(Guest::command(Command::pause)));
    EXPECT_TRUE(guest.state.report().paused);
}

}  // namespace
}  // namespace aerostat::guest
