#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

TEST(JvmNames, ASecondLivingProcessGetsItsPidAppended) {
    Guest guest;
    guest.connect("shop", 10);
    EXPECT_EQ(guest.try_connect("shop", 11)->name, "shop~11");
}

TEST(JvmNames, TheNameOfADeadProcessIsFree) {
    Guest guest;
    const ConnectionId first = guest.connect("shop", 10);
    guest.state.agent_gone(first, guest.clock.now(), guest.effects);
    guest.dead.insert(10);
    EXPECT_EQ(guest.try_connect("shop", 11)->name, "shop");
}

TEST(JvmNames, ADisconnectedButLivingProcessKeepsItsName) {
    Guest guest;
    const ConnectionId first = guest.connect("shop", 10);
    guest.state.agent_gone(first, guest.clock.now(), guest.effects);
    EXPECT_EQ(guest.try_connect("shop", 11)->name, "shop~11");
    EXPECT_EQ(guest.try_connect("shop", 10)->name, "shop");
    EXPECT_EQ(guest.try_connect("shop", 11, 1000, "s2")->name, "shop~11");
}

TEST(JvmNames, AReusedPidIsAnotherProcess) {
    Guest guest;
    guest.connect("shop", 10);
    auto welcome = guest.state.agent_hello(99, ProcessIdentity{10, 8, 1000}, Guest::hello("other"), guest.alive(),
                                           guest.clock.now(), guest.effects);
    EXPECT_EQ(welcome->name, "other");
    EXPECT_EQ(guest.state.jvms().connected().size(), 2U);
}

TEST(JvmNames, WhatFollowsATildeIsNotTheirsToChoose) {
    EXPECT_EQ(base_name("shop~12"), "shop");
    EXPECT_EQ(base_name("~"), "jvm");
    EXPECT_EQ(name_with_pid(std::string(64, 'a'), 123456).size(), 64U);
}

TEST(JvmNames, AnotherConnectionOfTheSameProcessReplacesTheFirst) {
    Guest guest;
    const ConnectionId first = guest.connect("shop", 10);
    EXPECT_EQ(guest.try_connect("shop", 10)->name, "shop");
    const auto drops = guest.take<DropConnection>();
    ASSERT_EQ(drops.size(), 1U);
    EXPECT_EQ(drops[0].connection, first);
    EXPECT_EQ(guest.state.jvms().connected().size(), 1U);
}

TEST(AgentPlaces, AreLimitedInAllAndPerUser) {
    GuestRules rules;
    rules.limits = {4, 2};
    Guest guest(rules);
    EXPECT_TRUE(guest.try_connect("a", 1, 1000));
    EXPECT_TRUE(guest.try_connect("b", 2, 1000));
    EXPECT_EQ(guest.try_connect("c", 3, 1000).error().code, ErrorCode::busy);
    EXPECT_TRUE(guest.try_connect("d", 4, 1001));
    EXPECT_TRUE(guest.try_connect("e", 5, 0));
    EXPECT_EQ(guest.try_connect("f", 6, 0).error().code, ErrorCode::busy);
    EXPECT_TRUE(guest.try_connect("a", 1, 1000)) << "a reconnect takes no further place";
}

TEST(AgentPlaces, AProcessThatCannotBeIdentifiedIsTurnedAway) {
    Guest guest;
    EXPECT_EQ(guest.try_connect("shop", 0).error().code, ErrorCode::denied);
}

TEST(AgentPlaces, LostAgentsAreRememberedUpToABound) {
    Guest guest;
    for (pid_t pid = 1; pid <= 200; ++pid) {
        guest.clock.advance(milliseconds(1));
        guest.state.agent_gone(guest.connect("jvm", pid), guest.clock.now(), guest.effects);
    }
    EXPECT_EQ(guest.state.jvms().disconnected().size(), JvmBook::kMostLost);
}

TEST(Restart, TheCeilingIsRebuiltFromTheFirstReport) {
    Guest guest;
    ASSERT_TRUE(guest.try_connect("shop", 10));
    JvmReport report = Guest::report(900_MiB);
    report.target = HeapTarget{1_GiB};
    guest.say(1, report);
    const Jvm* jvm = guest.state.jvms().find("shop");
    EXPECT_EQ(jvm->restraint.ceiling, 1_GiB);
    EXPECT_TRUE(jvm->restraint.rebuilt);
}

TEST(Reports, TheCeilingFallsWhenTheAgentNoLongerHoldsATarget) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10);
    JvmReport report = Guest::report();
    report.target = HeapTarget{800_MiB};
    guest.say(shop, report);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.target->footprint, 800_MiB);
    guest.say(shop, Guest::report());
    EXPECT_FALSE(guest.state.jvms().find("shop")->restraint.target);
}

TEST(Reports, AnAgentThatFellShortHoldsWhatItReached) {
    Guest guest;
    const ConnectionId shop = guest.connect("shop", 10, 1_GiB);
    ASSERT_TRUE(guest.ask(Guest::squeeze("shop", 100_MiB)));
    guest.measure(std::nullopt);
    guest.answer(shop, guest.take_order(), 40_MiB, EndReason::deadline);
    JvmReport report = Guest::report(984_MiB);
    report.target = HeapTarget{984_MiB};
    guest.say(shop, report);
    EXPECT_EQ(guest.state.jvms().find("shop")->restraint.ceiling, 984_MiB);
}

}  // namespace
}  // namespace aerostat::guest
