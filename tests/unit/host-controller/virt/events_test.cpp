#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <thread>

#include "host-controller/virt/event_calls.h"
#include "host-controller/virt/virt_backend.h"
#include "tests/support/loop.h"

// Events of libvirt's own test driver, and those it cannot send, from a thread that plays libvirt's.
namespace aerostat::host::virt {
namespace {

using aerostat::testing::run_until;
using namespace aerostat::literals;
using Kind = DomainEvent::Kind;

constexpr const char* kUri = "test:///default";
const std::string kUuid = "7d0a3d0e-8f0a-4c52-9f6b-0d9b6f1f7a11";
const GuestId kGuest = "domain:" + kUuid;

class EventsTest : public ::testing::Test {
protected:
    void SetUp() override {
        start_event_thread();
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        hypervisor_ = virConnectOpen(kUri);
        if (!hypervisor_) GTEST_SKIP() << "libvirt has no test driver here: nothing of the events was tested";
    }
    void TearDown() override {
        backend_.reset();
        if (domain_ && virDomainIsActive(domain_) == 1) virDomainDestroy(domain_);
        if (domain_) virDomainFree(domain_);
        if (hypervisor_) virConnectClose(hypervisor_);
    }
    void start_domain() {
        const std::string xml = "<domain type='test'><name>events</name><uuid>" + kUuid +
                                "</uuid><memory unit='MiB'>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>"
                                "<memballoon model='virtio' autodeflate='on' freePageReporting='on'/></devices></domain>";
        domain_ = virDomainCreateXML(hypervisor_, xml.c_str(), 0);
        ASSERT_NE(domain_, nullptr) << virGetLastErrorMessage();
    }
    void open_backend(bool quiet = false) {
        backend_ = std::make_unique<VirtBackend>(loop_, kUri, clock_);
        Backend::Handlers handlers;
        handlers.on_seen = [this](const GuestId& guest, const std::string&) {
            ++listed_;
            if (guest == kGuest) ++seen_;
        };
        handlers.on_join = [](const GuestId&, const std::string& name, std::uint64_t) { return Result<std::string>(name); };
        handlers.on_joined = [](const GuestId&) {};
        handlers.on_message = [](const GuestId&, const Message&) {};
        handlers.on_lost = [](const GuestId&, const Error&) {};
        handlers.on_refused = [](const std::string&) {};
        handlers.on_event = [this](const GuestId& guest, const GuestEvent& event) {
            if (guest == kGuest) events_.push_back(event);
        };
        handlers.needs_no_driver = [this](const std::string&) { return needs_no_driver_; };
        if (quiet) backend_->keep_quiet(true);
        EXPECT_FALSE(backend_->has_listed());
        ASSERT_TRUE(backend_->open(std::move(handlers)));
        ASSERT_TRUE(run_until(loop_, [&] { return backend_->events_flow(); }));
    }
    void open_with_domain() {
        start_domain();
        open_backend();
        ASSERT_TRUE(run_until(loop_, [&] { return seen_ == 1; }));
    }
    [[nodiscard]] bool heard(const std::string& words) const {
        return std::any_of(events_.begin(), events_.end(), [&](const GuestEvent& event) { return event.words == words; });
    }
    /// As libvirt's thread would.
    void play(const DomainEvent& event) {
        std::thread([&] { backend_->events().post(event); }).join();
    }

    asio::io_context loop_;
    SystemClock clock_;
    virConnectPtr hypervisor_ = nullptr;
    virDomainPtr domain_ = nullptr;
    std::unique_ptr<VirtBackend> backend_;
    bool needs_no_driver_ = false;
    int seen_ = 0;
    int listed_ = 0;
    std::vector<GuestEvent> events_;
};

TEST_F(EventsTest, ADomainIsSeenAsSoonAsItStartsAndForgottenAsSoonAsItStops) {
    open_backend();
    ASSERT_TRUE(run_until(loop_, [&] { return listed_ > 0; })) << "the driver has a domain of its own";
    backend_->keep_quiet(true);
    start_domain();
    ASSERT_TRUE(run_until(loop_, [&] { return backend_->owes_listing(); })) << "the event has come";
    EXPECT_EQ(seen_, 0) << "and nothing was asked";
    backend_->keep_quiet(false);
    ASSERT_TRUE(run_until(loop_, [&] { return seen_ == 1; }));
    ASSERT_EQ(virDomainDestroy(domain_), 0);
    ASSERT_TRUE(run_until(loop_, [&] { return heard("stopped"); }));
    bool gone = false;
    backend_->measure(kGuest, [&](const Result<GuestResidency>& seen) { gone = seen && seen->processes == 0; });
    ASSERT_TRUE(run_until(loop_, [&] { return gone; })) << "its memory counts as free at once";
}

TEST_F(EventsTest, WhatItsDefinitionLeavesADomainIsToldWhenItIsSeen) {
    open_with_domain();
    ASSERT_FALSE(events_.empty());
    EXPECT_EQ(events_.front().kind, GuestEvent::Kind::appeared);
    EXPECT_GT(events_.front().actual, 0_B);
    EXPECT_GE(*backend_->most_of(kGuest), events_.front().actual);
}

TEST_F(EventsTest, TheFirstListingIsMadeThoughAHookWaits) {
    start_domain();
    open_backend(true);
    ASSERT_TRUE(run_until(loop_, [&] { return seen_ == 1; })) << "who is there has to be known before anything is granted";
    EXPECT_TRUE(backend_->has_listed());
    EXPECT_FALSE(backend_->owes_listing());
    play({Kind::started, kUuid});
    ASSERT_TRUE(run_until(loop_, [&] { return backend_->owes_listing(); })) << "and no other until it is over";
    backend_->keep_quiet(false);
    ASSERT_TRUE(run_until(loop_, [&] { return !backend_->owes_listing(); }));
}

TEST_F(EventsTest, AGuestWhoseBalloonBeginsAnewIsToldOn) {
    open_with_domain();
    play({Kind::rebooted, kUuid});
    play({Kind::hardware_changed, kUuid});
    const auto told = [&](GuestEvent::Kind kind) {
        return std::any_of(events_.begin(), events_.end(), [&](const GuestEvent& event) { return event.kind == kind; });
    };
    ASSERT_TRUE(run_until(loop_, [&] { return told(GuestEvent::Kind::rebooted) && told(GuestEvent::Kind::refitted); }));
    EXPECT_TRUE(heard("rebooted"));
}

TEST_F(EventsTest, ASuspendedDomainIsLeftAloneUntilItRuns) {
    open_with_domain();
    EXPECT_EQ(backend_->why_left_alone(kGuest), "");
    ASSERT_EQ(virDomainSuspend(domain_), 0);
    ASSERT_TRUE(run_until(loop_, [&] { return heard("suspended"); }));
    EXPECT_EQ(backend_->why_left_alone(kGuest), "it is suspended");
    ASSERT_EQ(virDomainResume(domain_), 0);
    ASSERT_TRUE(run_until(loop_, [&] { return heard("resumed"); }));
    EXPECT_EQ(backend_->why_left_alone(kGuest), "");
}

TEST_F(EventsTest, TheWordOfAStopOfOursIsNotBelievedHoweverLateItComes) {
    needs_no_driver_ = true;
    open_with_domain();
    play({Kind::suspended, kUuid});  // ended long since: libvirt says that it runs
    play({Kind::rebooted, kUuid});
    ASSERT_TRUE(run_until(loop_, [&] { return heard("rebooted"); }));
    ASSERT_TRUE(run_until(loop_, [&] { return !backend_->owes_listing(); }));
    EXPECT_EQ(backend_->why_left_alone(kGuest).find("suspended"), std::string::npos);
    EXPECT_FALSE(heard("suspended"));
    ASSERT_EQ(virDomainSuspend(domain_), 0);
    ASSERT_TRUE(run_until(loop_, [&] { return heard("suspended"); })) << "an operator's is found by asking";
    EXPECT_EQ(backend_->why_left_alone(kGuest), "it is suspended");
}

TEST_F(EventsTest, ADomainThatWasSuspendedBeforeWeCameIsLeftAloneToo) {
    start_domain();
    ASSERT_EQ(virDomainSuspend(domain_), 0);
    open_backend();
    ASSERT_TRUE(run_until(loop_, [&] { return seen_ == 1; }));
    EXPECT_EQ(backend_->why_left_alone(kGuest), "it is suspended");
}

TEST_F(EventsTest, SqueezingStopsWhileItsMemoryIsCopiedAndGoesOnAfterwards) {
    open_with_domain();
    play({Kind::moving, kUuid});
    ASSERT_TRUE(run_until(loop_, [&] { return !backend_->why_left_alone(kGuest).empty(); }));
    EXPECT_NE(backend_->why_left_alone(kGuest).find("migration"), std::string::npos);
    play({Kind::moving, kUuid});
    // Whoever says that it has ended, or nobody at all: libvirt is asked, and knows of no job.
    ASSERT_TRUE(run_until(loop_, [&] { return backend_->why_left_alone(kGuest).empty(); }));
    EXPECT_TRUE(heard("its memory is no longer being copied"));
    EXPECT_EQ(std::count_if(events_.begin(), events_.end(),
                            [](const GuestEvent& event) { return event.words == "its memory is being copied"; }),
              1);
}

TEST_F(EventsTest, WhatABalloonComesToAndWhichMemoryFailedIsToldOn) {
    open_with_domain();
    events_.clear();  // that it is there
    play({Kind::balloon_changed, kUuid, 700_MiB});
    play({Kind::memory_failed, kUuid, {}, memory_failure_words(1, 1, 0)});
    play({Kind::balloon_changed, "11111111-1111-1111-1111-111111111111", 1_MiB});
    play({Kind::crashed, kUuid});
    ASSERT_TRUE(run_until(loop_, [&] { return heard("crashed"); }));
    ASSERT_EQ(events_.size(), 3U) << "and nothing of a domain nobody knows";
    EXPECT_EQ(events_[0].kind, GuestEvent::Kind::balloon);
    EXPECT_EQ(events_[0].actual, 700_MiB);
    EXPECT_EQ(events_[1].kind, GuestEvent::Kind::memory_failed);
    EXPECT_EQ(events_[1].words, "the guest's memory, told to the guest");
    EXPECT_EQ(backend_->why_left_alone(kGuest), "its kernel has crashed");
}

TEST_F(EventsTest, ADeviceThatIsPluggedInIsLookedAt) {
    open_with_domain();
    play({Kind::hardware_changed, kUuid});
    ASSERT_TRUE(run_until(loop_, [&] { return heard("its devices and its memory were looked at again"); }));
    EXPECT_EQ(backend_->why_left_alone(kGuest), "");
}

TEST(EventSinkTest, DropsAFloodAndSaysHowMuch) {
    asio::io_context loop;
    std::size_t delivered = 0;
    const auto sink = std::make_shared<EventSink>(loop, [&](const DomainEvent&) { ++delivered; });
    for (std::size_t i = 0; i < 2 * EventSink::kMostWaiting; ++i) sink->post({Kind::started, kUuid});
    EXPECT_EQ(sink->dropped(), EventSink::kMostWaiting);
    loop.run();
    EXPECT_EQ(delivered, EventSink::kMostWaiting);
    sink->post({Kind::started, kUuid});
    sink->close();
    sink->post({Kind::started, kUuid});
    loop.restart();
    loop.run();
    EXPECT_EQ(delivered, EventSink::kMostWaiting) << "nothing is handed on after the end";
}

TEST(EventWords, EveryFigureLibvirtMaySendHasSome) {
    for (int value = -1; value < 12; ++value) {
        EXPECT_FALSE(memory_failure_words(value, value, 3).empty());
        static_cast<void>(lifecycle_kind(value));
    }
    EXPECT_EQ(lifecycle_kind(VIR_DOMAIN_EVENT_STOPPED), Kind::stopped);
    EXPECT_FALSE(lifecycle_kind(VIR_DOMAIN_EVENT_SHUTDOWN)) << "stopped follows";
}

}  // namespace
}  // namespace aerostat::host::virt
