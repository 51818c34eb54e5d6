#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

/// A container with a host in charge and one JVM: 3 GiB held of 4 GiB, of which 824 MiB are page cache; 200 MiB are the
/// reserve.
class OsOrder : public ::testing::Test {
protected:
    OsOrder() {
        guest.welcome_host();
        OsReport os = testing::a_report_of_os();
        os.taken = 1_GiB;  // of 5 GiB that it might hold
        guest.state.os_seen(os);
    }
    Apply apply(Bytes heap, Bytes os, OnShortfall rest = OnShortfall::keep) {
        Apply order = Guest::apply("op-h", "shop", heap);
        order.os_target = GuestTarget{os};
        order.deadline = Millis(4'000);
        order.on_shortfall = rest;
        guest.state.host_order(order, guest.clock.now(), guest.effects);
        return order;
    }
    void moved(Bytes after, EndReason reason = EndReason::met, Bytes obtained = {}) {
        OsOutcome outcome;
        outcome.after = after;
        outcome.obtained = obtained;
        outcome.reason = reason;
        guest.state.os_moved("op-h", outcome, guest.clock.now(), guest.effects);
    }
    OperationResult result() {
        const auto all = guest.state.orders().take_undelivered(guest.state.host_session());
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? OperationResult{} : all.front();
    }
    Guest guest{{}, true};
    ConnectionId shop = guest.connect("shop", 10, 1_GiB);
};

TEST_F(OsOrder, HeapsGiveBeforeTheOsLayerIsTaken) {
    apply(900_MiB, 2800_MiB);
    guest.measure(1200_MiB);
    EXPECT_TRUE(guest.take<MoveOs>().empty());
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.deadline, Millis(3'000)) << "a quarter of the time is kept for the OS layer";
    guest.clock.advance(milliseconds(600));
    guest.answer(shop, order, 124_MiB, EndReason::met, 124_MiB);
    guest.measure(1076_MiB);
    const auto moves = guest.take<MoveOs>();
    ASSERT_EQ(moves.size(), 1U);
    EXPECT_EQ(moves[0].target, 2800_MiB);
    EXPECT_EQ(moves[0].within, milliseconds(3'400));
    EXPECT_TRUE(guest.state.orders().is_running_for("shop") == false && guest.view("op-h").running);
    moved(2800_MiB);
    const OperationResult done = result();
    EXPECT_EQ(done.reason, EndReason::met);
    EXPECT_EQ(done.obtained, 124_MiB) << "of the heaps alone";
    EXPECT_EQ(done.os->obtained, 272_MiB);
    EXPECT_EQ(done.os->asked, 272_MiB);
}

TEST_F(OsOrder, TheOsLayerGivesBeforeHeapsGrow) {
    apply(2_GiB, 5_GiB);
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    ASSERT_EQ(guest.take<MoveOs>().size(), 1U);
    moved(3_GiB, EndReason::met, 1_GiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 2_GiB);
    guest.answer(shop, order, 1_GiB, EndReason::met, 1_GiB);
    EXPECT_EQ(result().os->obtained, 1_GiB);
}

TEST_F(OsOrder, HeapsDoNotGrowIntoMemoryThatWasNotGiven) {
    apply(2_GiB, 5_GiB);
    moved(3_GiB, EndReason::unsupported);
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    const OperationResult done = result();
    EXPECT_EQ(done.reason, EndReason::unsupported);
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.target) << "as it was";
}

TEST_F(OsOrder, PageCacheDoesNotPayForAHeapThatFellShort) {
    apply(900_MiB, 2800_MiB);
    guest.measure(1200_MiB);
    guest.answer(shop, guest.take_order(), 24_MiB, EndReason::deadline, 124_MiB);
    guest.measure(1176_MiB);
    const auto moves = guest.take<MoveOs>();
    ASSERT_EQ(moves.size(), 1U);
    EXPECT_EQ(moves[0].target, 2900_MiB) << "what the heap kept, the container may hold";
    moved(2900_MiB);
    EXPECT_NE(result().os->detail.find("kept 100 MiB more"), std::string::npos);
}

TEST_F(OsOrder, MoreThanItMayHoldAtAllEndsTheHold) {
    apply(2_GiB, Bytes(Bytes::kLimit));
    const auto moves = guest.take<MoveOs>();
    ASSERT_EQ(moves.size(), 1U);
    EXPECT_EQ(moves[0].target, 5_GiB);
}

TEST_F(OsOrder, ItIsNeverToldToGoBelowWhatWouldBeSwapped) {
    apply(1_GiB, 1_GiB);
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 0_B, EndReason::met, 0_B);
    const auto moves = guest.take<MoveOs>();
    ASSERT_EQ(moves.size(), 1U);
    EXPECT_EQ(moves[0].target, 2448_MiB) << "the cache but 200 MiB, which is the reserve then";
    moved(2448_MiB);
    const OperationResult done = result();
    EXPECT_EQ(done.reason, EndReason::floor);
    EXPECT_EQ(done.os->asked, 2_GiB);
    EXPECT_EQ(done.os->shortfall, saturating_sub(2_GiB, 624_MiB));
}

TEST_F(OsOrder, AKernelThatDoesNotAnswerEndsTheOperation) {
    Apply order = Guest::apply("op-h", "shop", 1_GiB);
    order.jvms.clear();
    order.os_target = GuestTarget{2800_MiB};
    guest.state.host_order(order, guest.clock.now(), guest.effects);
    ASSERT_EQ(guest.take<MoveOs>().size(), 1U) << "without heaps at once";
    ASSERT_TRUE(guest.state.next_due());
    guest.advance(seconds(6));
    const OperationResult done = result();
    EXPECT_EQ(done.reason, EndReason::stuck);
    moved(2800_MiB);
    EXPECT_FALSE(guest.state.next_due());
}

TEST_F(OsOrder, ACancelReachesTheMoveAndWhatHasNotBegunIsOver) {
    apply(900_MiB, 2800_MiB);
    guest.measure(1200_MiB);
    const SetHeapTarget order = guest.take_order();
    guest.state.host_cancel(Cancel{"h1", "op-h", OnShortfall::keep}, guest.clock.now(), guest.effects);
    guest.answer(shop, order, 0_B, EndReason::cancelled, 124_MiB);
    guest.measure(1200_MiB);
    EXPECT_TRUE(guest.take<MoveOs>().empty());
    EXPECT_EQ(result().os->reason, EndReason::cancelled);
}

TEST_F(OsOrder, ANewerOrderTakesTheOlderOnesPlace) {
    Apply order = Guest::apply("op-1", "shop", 1_GiB);
    order.jvms.clear();
    order.os_target = GuestTarget{2800_MiB};
    guest.state.host_order(order, guest.clock.now(), guest.effects);
    apply(1_GiB, 2700_MiB);
    ASSERT_EQ(guest.take<CancelOs>().size(), 1U);
    EXPECT_EQ(guest.view("op-1").reason, EndReason::superseded);
}

TEST_F(OsOrder, WithoutABalloonInsideTheTargetIsIgnoredAndTheResultSaysSo) {
    OsReport os = testing::a_report_of_os();
    os.can_move = false;
    guest.state.os_seen(os);
    apply(2_GiB, 5_GiB);
    guest.answer(shop, guest.take_order(), 1_GiB, EndReason::met, 1_GiB);
    const OperationResult done = result();
    EXPECT_FALSE(done.os);
    EXPECT_NE(done.detail.find("os_target was ignored"), std::string::npos);
}

TEST_F(OsOrder, TheReportCarriesTheLayer) {
    EXPECT_EQ(guest.state.report().os->curve, testing::a_report_of_os().curve);
    EXPECT_EQ(guest.state.heaps(), 1_GiB);
}

class OsOrderWithOffers : public OsOrder {
protected:
    OsOrderWithOffers() {
        OsReport os = testing::a_report_of_os();
        os.taken = 1_GiB;
        os.offered = 200_MiB;
        guest.state.os_seen(os);
    }
    void apply_os(Bytes os) {
        Apply order = Guest::apply("op-h", "shop", 1_GiB);
        order.jvms.clear();
        order.os_target = GuestTarget{os};
        order.deadline = Millis(4'000);
        guest.state.host_order(order, guest.clock.now(), guest.effects);
    }
};

TEST_F(OsOrderWithOffers, ApplicationsGiveBeforeTheKernelIsAsked) {
    apply_os(2800_MiB);
    const auto asks = guest.take<AskApplications>();
    ASSERT_EQ(asks.size(), 1U);
    EXPECT_EQ(asks[0].target, 2800_MiB);
    EXPECT_TRUE(guest.take<MoveOs>().empty());
    guest.state.applications_gave("op-h", guest.clock.now(), guest.effects);
    ASSERT_EQ(guest.take<MoveOs>().size(), 1U);
    guest.state.applications_gave("op-h", guest.clock.now(), guest.effects);
    EXPECT_TRUE(guest.take<MoveOs>().empty()) << "a late answer changes nothing";
    moved(2800_MiB);
    EXPECT_EQ(result().os->obtained, 272_MiB);
}

TEST_F(OsOrderWithOffers, WhoDoesNotAnswerIsWaitedForASecondAtMost) {
    apply_os(2800_MiB);
    ASSERT_EQ(guest.take<AskApplications>().size(), 1U);
    const auto due = guest.state.next_due();
    ASSERT_TRUE(due);
    EXPECT_LE(*due - guest.clock.now(), seconds(1));
    guest.clock.advance(seconds(1));
    guest.state.tick("tick", guest.clock.now(), guest.effects);
    ASSERT_EQ(guest.take<MoveOs>().size(), 1U);
}

TEST_F(OsOrderWithOffers, ACancelledOrderAsksNobodyAnyMore) {
    apply_os(2800_MiB);
    ASSERT_EQ(guest.take<AskApplications>().size(), 1U);
    guest.state.host_cancel({guest.state.host_session(), "op-h", OnShortfall::keep}, guest.clock.now(), guest.effects);
    EXPECT_TRUE(guest.take<MoveOs>().empty());
    EXPECT_EQ(result().os->reason, EndReason::cancelled);
}

TEST_F(OsOrderWithOffers, HeapsGiveBeforeApplicationsAreAsked) {
    apply(900_MiB, 2800_MiB);
    guest.measure(1200_MiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_TRUE(guest.take<AskApplications>().empty());
    guest.answer(shop, order, 124_MiB, EndReason::met, 124_MiB);
    guest.measure(1076_MiB);
    ASSERT_EQ(guest.take<AskApplications>().size(), 1U);
}

TEST_F(OsOrderWithOffers, GivingAsksNobody) {
    apply_os(5_GiB);
    EXPECT_TRUE(guest.take<AskApplications>().empty());
}

}  // namespace
}  // namespace aerostat::guest
