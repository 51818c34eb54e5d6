#include "host-controller/virt/virt_backend.h"

#include <libvirt/libvirt.h>

#include <optional>

#include "host-controller/virt/handles.h"
#include "tests/support/loop.h"
#include "tests/unit/host-controller/virt/qemu_end.h"

// Against libvirt's own test driver: a hypervisor in this process, whose domains every connection to it shares.
namespace aerostat::host::virt {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;
using namespace aerostat::literals;
using namespace std::chrono_literals;

constexpr const char* kUri = "test:///default";
const std::string kUuid = "2b4ad1f4-39a5-4b9d-8f0f-24a8a4f6d7a1";
const GuestId kGuest = "domain:" + kUuid;
const std::string kGoodBalloon = "<memballoon model='virtio' autodeflate='on'/>";

class VirtBackendTest : public ::testing::Test {
protected:
    void SetUp() override {
        prepare_libvirt();
        hypervisor_ = virConnectOpen(kUri);
        if (!hypervisor_) GTEST_SKIP() << "libvirt has no test driver here: nothing of the backend was tested";
    }
    void TearDown() override {
        backend_.reset();
        if (domain_) virDomainFree(domain_);
        if (hypervisor_) virConnectClose(hypervisor_);
    }
    void start_domain(const std::string& balloon = kGoodBalloon) {
        const std::string xml =
            "<domain type='test'><name>web 1</name><uuid>" + kUuid +
            "</uuid><memory unit='MiB'>1024</memory><currentMemory unit='MiB'>1024</currentMemory><vcpu>1</vcpu>"
            "<os><type>hvm</type></os><devices><channel type='unix'><source mode='bind' path='" +
            path_ + "'/><target type='virtio' name='org.aerostat.guest.0'/></channel>" + balloon + "</devices></domain>";
        domain_ = virDomainCreateXML(hypervisor_, xml.c_str(), 0);
        ASSERT_NE(domain_, nullptr) << virGetLastErrorMessage();
    }
    void stop_domain() {
        ASSERT_EQ(virDomainDestroy(domain_), 0);
        virDomainFree(std::exchange(domain_, nullptr));
    }
    void open_backend(const std::string& uri = kUri) {
        backend_ = std::make_unique<VirtBackend>(loop_, uri, clock_);
        ASSERT_TRUE(backend_->open(
            {.on_seen = [this](const GuestId& guest, const std::string& name) { seen_[guest] = name; },
             .on_join = [this](const GuestId& guest, const std::string& name, std::uint64_t number) -> Result<std::string> {
                 EXPECT_EQ(number, 0U);
                 events_.push_back("join " + guest + " " + name);
                 return name;
             },
             .on_joined = [this](const GuestId& guest) { events_.push_back("joined " + guest); },
             .on_message = [this](const GuestId&, Message message) { messages_.push_back(std::move(message)); },
             .on_lost = [this](const GuestId& guest,
                               const Error& why) { events_.push_back("lost " + guest + " " + why.message); },
             .on_refused = [this](const std::string& sentence) { events_.push_back("refused " + sentence); }}));
    }
    void open_with_domain(const std::string& balloon = kGoodBalloon) {
        start_domain(balloon);
        open_backend();
        ASSERT_TRUE(run_until(loop_, [&] { return seen_.contains(kGuest); }));
    }
    Result<OsBalloon> look(const GuestId& guest = kGuest) {
        std::optional<Result<OsBalloon>> answer;
        backend_->look(guest, [&](Result<OsBalloon> balloon) { answer = std::move(balloon); });
        EXPECT_FALSE(answer) << "never from inside";
        EXPECT_TRUE(run_until(loop_, [&] { return answer.has_value(); }));
        return answer.value_or(fail(ErrorCode::internal, "no answer"));
    }
    Status set_target(Bytes actual, const GuestId& guest = kGuest) {
        std::optional<Status> answer;
        backend_->set_target(guest, actual, [&](Status done) { answer = std::move(done); });
        EXPECT_FALSE(answer) << "never from inside";
        EXPECT_TRUE(run_until(loop_, [&] { return answer.has_value(); }));
        return answer.value_or(fail(ErrorCode::internal, "no answer"));
    }
    Result<GuestResidency> measure(const GuestId& guest = kGuest) {
        std::optional<Result<GuestResidency>> answer;
        backend_->measure(guest, [&](Result<GuestResidency> seen) { answer = std::move(seen); });
        EXPECT_FALSE(answer) << "never from inside";
        EXPECT_TRUE(run_until(loop_, [&] { return answer.has_value(); }));
        return answer.value_or(fail(ErrorCode::internal, "no answer"));
    }
    std::string all_warnings() {
        std::string all;
        for (const std::string& sentence : backend_->warnings()) all += sentence + "\n";
        return all;
    }

    TemporaryDirectory directory_;
    std::string path_ = directory_ / "web.sock";
    asio::io_context loop_;
    SystemClock clock_;
    virConnectPtr hypervisor_ = nullptr;
    virDomainPtr domain_ = nullptr;
    std::map<GuestId, std::string> seen_;
    std::vector<std::string> events_;
    std::vector<Message> messages_;
    std::unique_ptr<VirtBackend> backend_;
};

TEST_F(VirtBackendTest, SeesAllActiveDomainsByUuidAndCallsThemByName) {
    open_with_domain();
    EXPECT_EQ(seen_[kGuest], "web_1");
    EXPECT_EQ(seen_.size(), 2U) << "the driver brings one of its own, called test";
    EXPECT_TRUE(backend_->knows_identity(kGuest));
    EXPECT_FALSE(backend_->knows_identity("session:1:2"));
    EXPECT_EQ(backend_->os_balloons(), backend_.get());
}

TEST_F(VirtBackendTest, SeesDomainsComeAndGoAndStartAgain) {
    open_backend();
    ASSERT_TRUE(run_until(loop_, [&] { return seen_.size() == 1; }));
    start_domain();
    ASSERT_TRUE(run_until(loop_, [&] { return seen_.contains(kGuest); }));
    stop_domain();
    seen_.clear();
    ASSERT_TRUE(run_until(loop_, [&] { return look().error().code == ErrorCode::not_found; }));
    EXPECT_TRUE(events_.empty()) << "it had never joined";
    start_domain();
    ASSERT_TRUE(run_until(loop_, [&] { return seen_.contains(kGuest); }));
    EXPECT_TRUE(look());
}

TEST_F(VirtBackendTest, ADomainRestartedBetweenTwoListingsIsSeenAnew) {
    open_with_domain("<memballoon model='virtio'/>");
    EXPECT_EQ(look().error().code, ErrorCode::unsupported);
    seen_.clear();
    stop_domain();
    start_domain();
    ASSERT_TRUE(run_until(loop_, [&] { return seen_.contains(kGuest); }));
    EXPECT_TRUE(look()) << "what it is now counts, not what it was";
}

TEST_F(VirtBackendTest, LooksAtABalloonAndMovesIt) {
    open_with_domain();
    auto balloon = look();
    ASSERT_TRUE(balloon) << balloon.error().message;
    EXPECT_EQ(balloon->maximum, 1_GiB);
    EXPECT_EQ(balloon->actual, 1_GiB);
    EXPECT_TRUE(balloon->autodeflate);
    EXPECT_TRUE(balloon->usable);
    EXPECT_GT(balloon->usable_age, std::chrono::hours(24)) << "the driver's last update is from 1989";
    ASSERT_TRUE(set_target(512_MiB + 1_B));
    EXPECT_EQ(look()->actual, 512_MiB + 1_KiB) << "in KiB, and never less than asked for";
    const auto above = set_target(1_GiB + 1_B);
    ASSERT_FALSE(above);
    EXPECT_EQ(above.error().code, ErrorCode::bad_value);
    EXPECT_NE(above.error().message.find("1.00 GiB"), std::string::npos) << above.error().message;
    ASSERT_TRUE(set_target(1_GiB));
    EXPECT_EQ(look()->actual, 1_GiB);
}

TEST_F(VirtBackendTest, ABalloonThatWouldNotGiveBackIsNotMoved) {
    open_with_domain("<memballoon model='virtio' autodeflate='off'/>");
    const auto balloon = look();
    ASSERT_FALSE(balloon);
    EXPECT_EQ(balloon.error().code, ErrorCode::unsupported);
    EXPECT_NE(balloon.error().message.find("autodeflate='on'"), std::string::npos) << balloon.error().message;
    EXPECT_EQ(set_target(512_MiB).error().code, ErrorCode::unsupported);
    EXPECT_NE(all_warnings().find("autodeflate"), std::string::npos) << all_warnings();
    EXPECT_EQ(look("domain:nobody").error().code, ErrorCode::not_found);
    EXPECT_EQ(set_target(512_MiB, "domain:nobody").error().code, ErrorCode::not_found);
}

TEST_F(VirtBackendTest, ADomainThatHasJustEndedIsNotFoundInLibvirtsWords) {
    open_with_domain();
    stop_domain();
    const auto balloon = look();  // most likely before the next listing
    ASSERT_FALSE(balloon);
    EXPECT_EQ(balloon.error().code, ErrorCode::not_found) << balloon.error().message;
    EXPECT_EQ(balloon.error().message.find("does not say why"), std::string::npos) << balloon.error().message;
}

TEST_F(VirtBackendTest, AGuestSpeaksThroughTheChannelOfItsDomain) {
    QemuEnd qemu(path_);
    open_with_domain();
    EXPECT_FALSE(backend_->send(kGuest, LeaseRenewal{}));
    ASSERT_TRUE(run_until(loop_, [&] { return qemu.is_dialled(); }));
    qemu.say_hello("s1", "somebody-else");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu.hears<Welcome>(); }));
    EXPECT_EQ(qemu.heard<Welcome>().name, "web_1");
    EXPECT_EQ(events_, (std::vector<std::string>{"join " + kGuest + " web_1", "joined " + kGuest}));
    qemu.say(Pressure{16_MiB, "psi", ""});
    qemu.write("garbage\n");
    ASSERT_TRUE(run_until(loop_, [&] { return backend_->malformed_lines() == 1; }));
    EXPECT_EQ(messages_.size(), 1U);
    EXPECT_TRUE(backend_->send(kGuest, LeaseRenewal{}));
    ASSERT_TRUE(run_until(loop_, [&] { return qemu.hears<LeaseRenewal>(); }));
    EXPECT_EQ(qemu.heard<LeaseRenewal>().session, "s1");
    events_.clear();
    stop_domain();
    ASSERT_TRUE(run_until(loop_, [&] { return !events_.empty(); }));
    EXPECT_EQ(events_[0], "lost " + kGuest + " the domain is no longer active");
    EXPECT_FALSE(backend_->send(kGuest, LeaseRenewal{}));
    EXPECT_EQ(backend_->malformed_lines(), 1U) << "still counted";
    EXPECT_EQ(measure()->processes, 0U);
}

TEST_F(VirtBackendTest, MeasuresNothingItCannotSeeAndSaysSo) {
    open_with_domain();
    const auto seen = measure();
    ASSERT_FALSE(seen) << "the test driver runs no QEMU";
    EXPECT_EQ(seen.error().code, ErrorCode::not_found);
    EXPECT_NE(all_warnings().find("cannot be measured"), std::string::npos) << all_warnings();
    EXPECT_FALSE(backend_->is_measuring(kGuest));
    EXPECT_EQ(measure("domain:00000000-0000-0000-0000-000000000000")->processes, 0U);
}

TEST_F(VirtBackendTest, LivesWithoutLibvirtAndSaysSoInItsWords) {
    open_backend("qemu+unix:///system?socket=" + (directory_ / "nobody.sock"));
    EXPECT_EQ(measure().error().code, ErrorCode::disconnected) << "unknown is not gone";
    ASSERT_TRUE(run_until(loop_, [&] { return all_warnings().find("Failed to connect socket") != std::string::npos; }))
        << all_warnings();
    EXPECT_EQ(look().error().code, ErrorCode::not_found);
    EXPECT_TRUE(seen_.empty());
}

TEST_F(VirtBackendTest, EndsWhileCallsAreUnderWay) {
    open_with_domain();
    bool answered = false;
    for (int i = 0; i < 20; ++i) {
        backend_->look(kGuest, [&](const Result<OsBalloon>&) { answered = true; });
        backend_->measure(kGuest, [&](const Result<GuestResidency>&) { answered = true; });
    }
    EXPECT_TRUE(backend_->is_measuring(kGuest));
    backend_.reset();
    loop_.restart();
    loop_.poll();
    EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace aerostat::host::virt
