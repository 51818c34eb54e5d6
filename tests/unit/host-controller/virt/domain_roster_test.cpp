#include "host-controller/virt/domain_roster.h"

#include <libvirt/libvirt.h>

#include "host-controller/virt/handles.h"
#include "tests/support/loop.h"
#include "tests/unit/host-controller/virt/qemu_end.h"

// Over libvirt's own test driver, which brings a domain; what its XML says now the test itself tells.
namespace aerostat::host::virt {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

class DomainRosterTest : public ::testing::Test {
protected:
    void SetUp() override {
        prepare_libvirt();
        const virConnectPtr hypervisor = virConnectOpen("test:///default");
        if (!hypervisor) GTEST_SKIP() << "libvirt has no test driver here: nothing of the roster was tested";
        virConnectClose(hypervisor);
        handlers_ = {
            .on_seen = [this](const GuestId& guest, const std::string&) { guest_ = guest; },
            .on_join = [](const GuestId&, const std::string& name, std::uint64_t) -> Result<std::string> { return name; },
            .on_joined = [this](const GuestId&) { ++joined_; },
            .on_message = [](const GuestId&, const Message&) {},
            .on_lost = [this](const GuestId&, const Error& why) { lost_.push_back(why.message); },
            .on_refused = [](const std::string&) {},
            .on_event =
                [this](const GuestId&, const GuestEvent& event) {
                    if (event.kind == GuestEvent::Kind::life && event.words == "suspended") told_.push_back(event.words);
                }};
        connection_.start();
        ASSERT_TRUE(run_until(loop_, [this] { return !guest_.empty(); }));
    }
    void plug(const std::optional<std::string>& path) {
        DomainFacts facts = *roster_.find(guest_)->facts;
        facts.channel = path;
        roster_.refit(guest_, std::move(facts));
    }
    void join(QemuEnd& qemu, const std::string& session) {
        const int before = joined_;
        ASSERT_TRUE(run_until(loop_, [&] { return qemu.is_dialled(); }));
        qemu.say_hello(session);
        ASSERT_TRUE(run_until(loop_, [&] { return joined_ > before; }));
    }

    TemporaryDirectory directory_;
    asio::io_context loop_;
    SystemClock clock_;
    Backend::Handlers handlers_;
    GuestId guest_;
    int joined_ = 0;
    std::vector<std::string> told_;
    std::vector<std::string> lost_;
    daemon::CallPool calls_{loop_};
    Connection connection_{loop_,
                           "test:///default",
                           calls_,
                           {.on_open = [this] { roster_.list(); }, .on_lost = [](const Error&) {}, .on_event = {}}};
    DomainRoster roster_{{loop_, clock_, connection_, handlers_, [](const GuestId&, const Domain&) {}}};
};

TEST_F(DomainRosterTest, AChannelThatIsPluggedInLaterIsOpened) {
    QemuEnd qemu(directory_ / "late.sock");
    EXPECT_FALSE(roster_.find(guest_)->channel);
    plug(directory_ / "late.sock");
    join(qemu, "s1");
    EXPECT_TRUE(roster_.find(guest_)->channel->is_joined());
}

TEST_F(DomainRosterTest, AChannelThatIsUnpluggedLosesItsGuestAndAnotherPlaceIsDialled) {
    QemuEnd first(directory_ / "first.sock");
    QemuEnd second(directory_ / "second.sock");
    plug(directory_ / "first.sock");
    join(first, "s1");
    plug(directory_ / "first.sock");
    EXPECT_TRUE(lost_.empty()) << "it is where it was";
    plug(std::nullopt);
    EXPECT_EQ(lost_, std::vector<std::string>{"its channel was unplugged"});
    EXPECT_FALSE(roster_.find(guest_)->channel);
    plug(directory_ / "second.sock");
    join(second, "s2");
    EXPECT_EQ(lost_.size(), 1U);
}

// The test driver's domain is really suspended here, as a stop of aerostat-punch is to libvirt.
TEST_F(DomainRosterTest, WhatAListingSawOfAStopOfOursIsNotBelieved) {
    const auto listed = [this] {
        roster_.list();
        return run_until(loop_, [this] { return !roster_.owes_listing(); });
    };
    const virConnectPtr hypervisor = virConnectOpen("test:///default");
    const virDomainPtr domain = virDomainLookupByUUIDString(hypervisor, roster_.find(guest_)->uuid.c_str());
    ASSERT_EQ(virDomainSuspend(domain), 0);
    bool ours = true;
    handlers_.is_stopped_by_us = [&ours](const GuestId&) { return ours; };
    ASSERT_TRUE(listed());
    ours = false;  // ended since; the next listing comes in its turn
    EXPECT_EQ(roster_.find(guest_)->state, RunState::running);
    ASSERT_TRUE(listed());
    EXPECT_EQ(roster_.find(guest_)->state, RunState::suspended) << "it was another's, then";
    EXPECT_EQ(told_, std::vector<std::string>{"suspended"});
    EXPECT_EQ(virDomainResume(domain), 0);
    virDomainFree(domain);
    virConnectClose(hypervisor);
}

}  // namespace
}  // namespace aerostat::host::virt
