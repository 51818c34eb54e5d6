#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

/// A guest with a host in charge and one JVM.
class HostInCharge : public ::testing::Test {
protected:
    explicit HostInCharge(GuestRules rules = {}) : guest(rules, true) { guest.welcome_host(); }
    /// An operator in the guest takes 100 MiB of "shop", which leaves a ceiling of 924.
    void squeeze_here() {
        ControlRequest request = Guest::squeeze("shop", 100_MiB);
        request.local = true;
        ASSERT_TRUE(guest.ask(request));
        guest.measure(std::nullopt);
        guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    }
    std::vector<OperationResult> results() { return guest.state.orders().take_undelivered(guest.state.host_session()); }
    void apply(const Apply& order) { guest.state.host_order(order, guest.clock.now(), guest.effects); }
    Guest guest;
    ConnectionId shop = guest.connect("shop", 10, 1_GiB);
};

TEST_F(HostInCharge, ItsOrderIsCarriedOutAndAnswered) {
    apply(Guest::apply("op-h", "shop", 900_MiB));
    guest.measure(1200_MiB);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 900_MiB);
    guest.answer(shop, order, 124_MiB, EndReason::met, 124_MiB);
    EXPECT_TRUE(results().empty());
    guest.measure(1076_MiB);
    const auto done = results();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].session, "h1");
    EXPECT_EQ(done[0].obtained, 124_MiB);
    EXPECT_EQ(done[0].verified, 124_MiB);
    ASSERT_EQ(done[0].jvms.size(), 1U);
    EXPECT_EQ(done[0].jvms[0].before, 1_GiB);
    EXPECT_EQ(done[0].jvms[0].after, 900_MiB);
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.ceiling) << "a host's target is not an operator's ceiling";
}

TEST_F(HostInCharge, OrdersOfAnotherSessionAreDropped) {
    apply(Guest::apply("op-h", "shop", 900_MiB, "h0"));
    EXPECT_TRUE(guest.effects.empty());
    EXPECT_EQ(guest.state.orders_of_other_sessions(), 1U);
}

TEST_F(HostInCharge, AKnownOperationIsNotDoneTwiceButAnsweredAgain) {
    apply(Guest::apply("op-h", "shop", 2_GiB));
    guest.answer(shop, guest.take_order(), 1_GiB, EndReason::met, 1_GiB);
    EXPECT_EQ(results().size(), 1U);
    EXPECT_TRUE(results().empty());
    apply(Guest::apply("op-h", "shop", 500_MiB));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    EXPECT_EQ(results().size(), 1U);
}

TEST_F(HostInCharge, ResultsThatEndedWhileItWasAwayAreDeliveredUnderTheNewSession) {
    apply(Guest::apply("op-h", "shop", 2_GiB));
    guest.state.host_lost(guest.clock.now());
    guest.answer(shop, guest.take_order(), 1_GiB, EndReason::met, 1_GiB);
    guest.welcome_host("h2");
    const auto done = results();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].session, "h2");
}

TEST_F(HostInCharge, SeveralJvmsMakeOneResult) {
    const ConnectionId search = guest.connect("search", 11, 1_GiB);
    Apply order = Guest::apply("op-h", "shop", 900_MiB);
    order.jvms.push_back(JvmOrder{"search", HeapTarget{924_MiB}});
    order.jvms.push_back(JvmOrder{"nobody", HeapTarget{1_MiB}});
    apply(order);
    guest.measure(std::nullopt);
    const auto sent = guest.take<OrderAgent>();
    ASSERT_EQ(sent.size(), 2U);
    guest.answer(shop, sent[0].order, 100_MiB, EndReason::floor, 124_MiB);
    guest.answer(search, sent[1].order, 100_MiB, EndReason::met, 100_MiB);
    const auto done = results();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].asked, 224_MiB);
    EXPECT_EQ(done[0].obtained, 200_MiB);
    EXPECT_EQ(done[0].shortfall, 24_MiB);
    EXPECT_EQ(done[0].reason, EndReason::floor);
    EXPECT_EQ(done[0].jvms[2].reason, EndReason::disconnected);
}

TEST_F(HostInCharge, AnOperatorsSqueezeCountsFromWhatTheHeapTurnsOutToHold) {
    Apply order = Guest::apply("op-h", "shop", 1100_MiB);
    order.jvms[0].shrink_by = 100_MiB;
    apply(order);  // it holds 1 GiB by its last report, and less by the kernel's books
    const Bytes non_heap = Guest::report().non_heap;
    guest.measure(900_MiB + non_heap);
    const SetHeapTarget sent = guest.take_order();
    EXPECT_EQ(sent.target.footprint, 800_MiB);
    guest.answer(shop, sent, 100_MiB, EndReason::met, 100_MiB);
    guest.measure(800_MiB + non_heap);
    const auto done = results();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].obtained, 100_MiB);
    EXPECT_EQ(done[0].jvms[0].before, 900_MiB);
}

TEST_F(HostInCharge, ThePolicyKeepsToAFloorThatIsOnlyAssumed) {
    JvmReport report = Guest::report();
    report.live.reset();
    guest.say(shop, report);
    apply(Guest::apply("op-h", "shop", 10_MiB));
    guest.measure(std::nullopt);
    EXPECT_EQ(guest.take_order().target.footprint, report.floor);
}

TEST_F(HostInCharge, AnOperatorsSqueezeToldOnceMoreGoesBelowTheReportedFloorAsBefore) {
    Apply order = Guest::apply("op-h", "shop", 10_MiB);
    order.jvms[0].shrink_by = Bytes();
    apply(order);
    guest.measure(900_MiB + Guest::report().non_heap);
    EXPECT_EQ(guest.take_order().target.footprint, 10_MiB) << "and the target alone counts";
}

TEST_F(HostInCharge, ASqueezeOfTheHostLeavesTheCeilingOfAnOperatorHere) {
    squeeze_here();
    guest.measure(std::nullopt);
    Apply order = Guest::apply("op-h", "shop", 800_MiB);
    order.jvms[0].shrink_by = 100_MiB;
    apply(order);
    guest.measure(880_MiB + Guest::report().non_heap);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met, 100_MiB);
    guest.measure(std::nullopt);
    apply(Guest::apply("op-up", "shop", 2_GiB));
    EXPECT_EQ(guest.take_order().target.footprint, 924_MiB) << "as far as the operator here lets it";
}

TEST_F(HostInCharge, ThePolicysTargetIsAbsolute) {
    apply(Guest::apply("op-h", "shop", 950_MiB));
    guest.measure(900_MiB + Guest::report().non_heap);
    EXPECT_EQ(guest.take_order().target.footprint, 950_MiB);
}

TEST_F(HostInCharge, APausedJvmIsLeftAlone) {
    ASSERT_TRUE(guest.ask(Guest::command(Command::pause, "shop")));
    guest.effects.clear();
    apply(Guest::apply("op-h", "shop", 900_MiB));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    const auto done = results();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].reason, EndReason::paused);
    EXPECT_EQ(done[0].shortfall, 124_MiB);
}

TEST_F(HostInCharge, WhatLiesBelowTheFloorIsShort) {
    apply(Guest::apply("op-h", "shop", 100_MiB));
    guest.measure(std::nullopt);
    const SetHeapTarget order = guest.take_order();
    EXPECT_EQ(order.target.footprint, 330_MiB);
    guest.answer(shop, order, 694_MiB, EndReason::met, 694_MiB);
    const auto done = results();
    EXPECT_EQ(done[0].reason, EndReason::floor);
    EXPECT_EQ(done[0].shortfall, 230_MiB);
}

TEST_F(HostInCharge, AnOperatorsCeilingBoundsItsOrders) {
    squeeze_here();
    apply(Guest::apply("op-h", "shop", 2_GiB));
    EXPECT_EQ(guest.take<OrderAgent>().at(0).order.target.footprint, 924_MiB);
}

TEST_F(HostInCharge, AnOperatorsCeilingBoundsItOnlyWhileItIsHeld) {
    ControlRequest request = Guest::squeeze("shop", 100_MiB);
    request.local = true;
    request.hold = Millis(20'000);
    ASSERT_TRUE(guest.ask(request));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 100_MiB, EndReason::met);
    guest.advance(seconds(20));
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.ceiling);
    apply(Guest::apply("op-h", "shop", 2_GiB));
    EXPECT_EQ(guest.take<OrderAgent>().at(0).order.target.footprint, 2_GiB);
}

TEST_F(HostInCharge, ARebuiltCeilingGivesWayToItsOrders) {
    ASSERT_TRUE(guest.try_connect("search", 11));
    JvmReport report = Guest::report();
    report.target = HeapTarget{1_GiB};
    guest.say(guest.next_connection - 1, report);
    apply(Guest::apply("op-h", "search", 2_GiB));
    EXPECT_EQ(guest.take_order().target.footprint, 2_GiB);
    EXPECT_FALSE(guest.state.jvms().find("search")->restraint.ceiling);
}

TEST_F(HostInCharge, PressureOfAnAgentIsForwardedAtOnceAndNotTooOften) {
    for (int i = 0; i < 100; ++i)
        guest.state.agent_pressure(shop, Pressure{64_MiB, "gc-distress", "liar"}, guest.clock.now(), guest.effects);
    const auto forwarded = guest.take<ForwardPressure>();
    ASSERT_EQ(forwarded.size(), 1U);
    EXPECT_EQ(forwarded[0].pressure.jvm, "shop");
    guest.clock.advance(milliseconds(200));
    guest.state.agent_pressure(shop, Pressure{64_MiB, "gc-distress", ""}, guest.clock.now(), guest.effects);
    EXPECT_EQ(guest.take<ForwardPressure>().size(), 1U);
}

TEST_F(HostInCharge, ForAHeapInNeedTheHostIsAskedForAllThatVirtioBalloonHolds) {
    const auto wanted = [this](const std::string& driver, Bytes taken) {
        OsReport os = testing::a_report_of_os();
        os.driver = driver;
        os.taken = taken;
        guest.state.os_seen(os);
        guest.clock.advance(seconds(1));
        guest.state.agent_pressure(shop, Pressure{64_MiB, "heap-growth", ""}, guest.clock.now(), guest.effects);
        const auto forwarded = guest.take<ForwardPressure>();
        return forwarded.size() == 1 ? forwarded[0].pressure.wanted : Bytes();
    };
    EXPECT_EQ(wanted("virtio", 256_MiB), 256_MiB);
    EXPECT_EQ(wanted("virtio", 16_MiB), 64_MiB);
    EXPECT_EQ(wanted("virtio", 1000_GiB), Guest::report().facts.max_heap) << "never more than the heap can hold";
    EXPECT_EQ(wanted("cgroup-v2", 256_MiB), 64_MiB) << "guestd gives that itself";
}

TEST_F(HostInCharge, ItIsSilentWhenItsLeaseHasRunOutAndTargetsStay) {
    EXPECT_EQ(guest.state.superior(guest.clock.now()), Superior::connected);
    apply(Guest::apply("op-h", "shop", 900_MiB));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 124_MiB, EndReason::met, 124_MiB);
    guest.advance(seconds(30));
    EXPECT_EQ(guest.state.superior(guest.clock.now()), Superior::silent);
    guest.advance(std::chrono::hours(24));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    EXPECT_TRUE(guest.ask(Guest::squeeze("shop", 1_MiB))) << "with the host silent, operators decide";
    guest.state.host_lease(LeaseRenewal{"h1", Millis(30'000)}, guest.clock.now());
    EXPECT_EQ(guest.state.superior(guest.clock.now()), Superior::connected);
}

class HostSilent : public HostInCharge {
protected:
    static GuestRules rules() {
        GuestRules rules;
        rules.silence_release_after = seconds(60);
        rules.reserve = 1_GiB;
        return rules;
    }
    HostSilent() : HostInCharge(rules()) {
        guest.state.memory_seen(GuestMemory{16_GiB, 8_GiB, std::nullopt, std::nullopt});
        apply(Guest::apply("op-h", "shop", 900_MiB));
        guest.measure(std::nullopt);
        guest.answer(shop, guest.take_order(), 124_MiB, EndReason::met, 124_MiB);
        guest.state.host_lost(guest.clock.now());
    }
};

TEST_F(HostSilent, TargetsRiseStepByStepOnceItIsAllowed) {
    guest.advance(seconds(59));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
    guest.advance(seconds(1));
    EXPECT_EQ(guest.take_order().target.footprint, 900_MiB + 4_GiB / 10);
    guest.advance(seconds(1));
    EXPECT_TRUE(guest.take<OrderAgent>().empty()) << "a step every ten seconds";
}

TEST_F(HostSilent, NothingRisesIntoTheReserve) {
    guest.state.memory_seen(GuestMemory{16_GiB, 1100_MiB, std::nullopt, std::nullopt});
    guest.advance(seconds(60));
    EXPECT_EQ(guest.take_order().target.footprint, 900_MiB + 76_MiB);
    guest.state.memory_seen(GuestMemory{16_GiB, 1_GiB, std::nullopt, std::nullopt});
    guest.advance(seconds(60));
    EXPECT_TRUE(guest.take<OrderAgent>().empty());
}

TEST(NoHost, IsNeitherConnectedNorSilent) {
    Guest guest;
    EXPECT_EQ(guest.state.superior(guest.clock.now()), Superior::none);
}

}  // namespace
}  // namespace aerostat::guest
