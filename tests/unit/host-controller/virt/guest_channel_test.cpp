#include "host-controller/virt/guest_channel.h"

#include "tests/support/loop.h"
#include "tests/unit/host-controller/virt/qemu_end.h"

namespace aerostat::host::virt {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;
using namespace aerostat::literals;
using namespace std::chrono_literals;

class GuestChannelTest : public ::testing::Test {
protected:
    GuestChannelTest() : channel_(loop_, path_, handlers(), clock_, {.first = 1ms, .longest = 5ms}) {}
    GuestChannel::Handlers handlers() {
        return {.on_join = [this](const Hello& hello) -> Result<std::string> {
                    events_.push_back("join " + hello.session);
                    if (refusing_) return fail(ErrorCode::refused, "not today");
                    return "web-1";
                },
                .on_joined = [this] { events_.emplace_back("joined"); },
                .on_message = [this](Message message) { messages_.push_back(std::move(message)); },
                .on_lost = [this](const Error& why) { events_.push_back("lost: " + why.message); },
                .on_refused = [this](const std::string& why) { events_.push_back("refused: " + why); }};
    }
    void dial() {
        channel_.start();
        ASSERT_TRUE(run_until(loop_, [&] { return qemu_->is_dialled(); }));
    }
    void join(const std::string& session = "s1") {
        dial();
        qemu_->say_hello(session);
        ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
        events_.clear();
    }
    Pressure pressure() { return {16_MiB, "psi", ""}; }
    /// Sends something well-formed and waits until it is through: what came before it is through as well.
    void flush() {
        const std::size_t before = messages_.size();
        qemu_->say(pressure());
        ASSERT_TRUE(run_until(loop_, [&] { return messages_.size() > before; }));
    }

    TemporaryDirectory directory_;
    std::string path_ = directory_ / "web-1.guest.sock";
    asio::io_context loop_;
    SystemClock clock_;
    std::unique_ptr<QemuEnd> qemu_ = std::make_unique<QemuEnd>(path_);
    bool refusing_ = false;
    std::vector<std::string> events_;
    std::vector<Message> messages_;
    GuestChannel channel_;
};

TEST_F(GuestChannelTest, AConnectionIsNoGuestAndSilenceIsNormal) {
    dial();
    EXPECT_FALSE(channel_.is_joined());
    EXPECT_FALSE(channel_.send(LeaseRenewal{}));
    EXPECT_EQ(channel_.trouble(), "");
    EXPECT_TRUE(events_.empty());
}

TEST_F(GuestChannelTest, AGuestThatSaysHelloIsWelcomeByTheNameItIsGiven) {
    dial();
    qemu_->say_hello("s1", "liar");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
    EXPECT_EQ(qemu_->heard<Welcome>().session, "s1");
    EXPECT_EQ(qemu_->heard<Welcome>().name, "web-1");
    EXPECT_EQ(qemu_->last.id, "hello-s1");
    EXPECT_EQ(qemu_->raw.front(), '\n') << "ends what an earlier host may have left unfinished";
    EXPECT_EQ(events_, (std::vector<std::string>{"join s1", "joined"}));
    flush();
    EXPECT_EQ(std::get<Pressure>(messages_.back()).wanted, 16_MiB);
}

TEST_F(GuestChannelTest, OrdersCarryTheSessionOfTheirGuest) {
    join("s1");
    EXPECT_TRUE(channel_.send(LeaseRenewal{"forged", Millis(1000)}));
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<LeaseRenewal>(); }));
    EXPECT_EQ(qemu_->heard<LeaseRenewal>().session, "s1");
}

TEST_F(GuestChannelTest, AnotherHelloIsAnotherGuestdBehindTheSameConnection) {
    join("s1");
    qemu_->write("{\"v\":1,\"type\":\"rep");  // cut short by its end
    qemu_->write("\n");
    qemu_->say_hello("s2");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
    ASSERT_EQ(events_.size(), 3U);
    EXPECT_TRUE(events_[0].starts_with("lost: ")) << events_[0];
    EXPECT_EQ(events_[1], "join s2");
    EXPECT_EQ(events_[2], "joined");
    EXPECT_TRUE(channel_.send(LeaseRenewal{}));
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<LeaseRenewal>(); }));
    EXPECT_EQ(qemu_->heard<LeaseRenewal>().session, "s2");
}

TEST_F(GuestChannelTest, TheRestOfALineCutShortIsNoOffence) {
    dial();
    qemu_->write("total_bytes\":1024}\n");
    qemu_->say_hello("s1");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
    EXPECT_EQ(channel_.malformed_lines(), 0U);
    qemu_->write("garbage\n");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<ErrorNotice>(); }));
    EXPECT_EQ(channel_.malformed_lines(), 1U);
    EXPECT_TRUE(channel_.is_joined());
}

TEST_F(GuestChannelTest, AGuestThatHasNotNoticedTheChangeOfHostsIsToldButNotEachTime) {
    dial();
    for (int i = 0; i < 5; ++i) qemu_->say(pressure(), "old");
    qemu_->say_hello("s1");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<ErrorNotice>(); }));
    EXPECT_EQ(qemu_->heard<ErrorNotice>().code, "disconnected") << "what guestd takes as: introduce yourself anew";
    EXPECT_EQ(qemu_->last.id, "old");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
    EXPECT_EQ(qemu_->raw.find("disconnected"), qemu_->raw.rfind("disconnected"));
    EXPECT_TRUE(messages_.empty()) << "nothing of an earlier session counts";
}

TEST_F(GuestChannelTest, AGuestGivesNoOrders) {
    join();
    Apply apply;
    apply.session = "s1";
    apply.op = "op";
    qemu_->say(apply, "m7");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<ErrorNotice>(); }));
    EXPECT_EQ(qemu_->heard<ErrorNotice>().code, "refused");
    EXPECT_EQ(qemu_->last.id, "m7");
    EXPECT_TRUE(messages_.empty());
}

TEST_F(GuestChannelTest, OnlyGuestsJoinAndARefusedOneMayAskAgain) {
    dial();
    Hello agent;
    agent.role = Role::agent;
    agent.name = "jvm";
    agent.session = "a1";
    agent.software = "0.1.0";
    agent.jvm = JvmFacts{"17", "G1", 1_GiB, 1_GiB, true, ""};
    qemu_->say(agent);
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<ErrorNotice>(); }));
    refusing_ = true;
    qemu_->say_hello("s1");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<ErrorNotice>(); }));
    EXPECT_EQ(qemu_->heard<ErrorNotice>().message, "not today");
    EXPECT_EQ(events_.back(), "refused: not today");
    EXPECT_FALSE(channel_.is_joined());
    refusing_ = false;
    qemu_->say_hello("s2");
    EXPECT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
}

TEST_F(GuestChannelTest, AGuestThatSendsGarbageIsCutOffAndMayComeBack) {
    join();
    for (int i = 0; i < 150; ++i) qemu_->write("garbage\n");
    ASSERT_TRUE(run_until(loop_, [&] { return channel_.cut_off() == 1; }));
    EXPECT_FALSE(channel_.is_joined());
    EXPECT_TRUE(events_.back().starts_with("lost: ")) << events_.back();
    EXPECT_GT(channel_.malformed_lines(), 99U) << "still counted";
    qemu_->hang_up();
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->is_dialled(); }));
    qemu_->say_hello("s2");
    EXPECT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
}

TEST_F(GuestChannelTest, AGuestThatGreetsWithoutEndIsCutOff) {
    dial();
    for (int i = 0; i < 30; ++i) qemu_->say_hello("s" + std::to_string(i));
    ASSERT_TRUE(run_until(loop_, [&] { return channel_.cut_off() == 1; }));
    EXPECT_FALSE(channel_.is_joined());
    EXPECT_LE(std::count(events_.begin(), events_.end(), "joined"), 20);
    EXPECT_TRUE(events_.back().starts_with("lost: ")) << events_.back();
}

TEST_F(GuestChannelTest, DialsForEverWhileNobodyListensAndSaysWhy) {
    qemu_.reset();
    ::unlink(path_.c_str());
    channel_.start();
    ASSERT_TRUE(run_until(loop_, [&] { return !channel_.trouble().empty(); }));
    EXPECT_NE(channel_.trouble().find(path_), std::string::npos) << channel_.trouble();
    qemu_ = std::make_unique<QemuEnd>(path_);
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->is_dialled(); }));
    qemu_->say_hello("s1");
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
    EXPECT_EQ(channel_.trouble(), "");
}

TEST_F(GuestChannelTest, AQemuThatGoesLosesTheGuestAndIsDialledAgain) {
    join("s1");
    qemu_->hang_up();
    EXPECT_TRUE(run_until(loop_, [&] { return !channel_.is_joined(); }));
    ASSERT_EQ(events_.size(), 1U);
    EXPECT_TRUE(events_[0].starts_with("lost: "));
    EXPECT_EQ(channel_.cut_off(), 0U);
    ASSERT_TRUE(run_until(loop_, [&] { return qemu_->is_dialled(); }));
    qemu_->write("\n");
    qemu_->say_hello("s2");
    EXPECT_TRUE(run_until(loop_, [&] { return qemu_->hears<Welcome>(); }));
}

TEST_F(GuestChannelTest, AGuestThatDoesNotReadIsCutOffWithoutCallingBackFromInside) {
    join();
    bool sent = true;
    for (int i = 0; i < 200'000 && sent; ++i) {
        sent = channel_.send(LeaseRenewal{});
        ASSERT_TRUE(events_.empty());
    }
    EXPECT_FALSE(sent);
    ASSERT_TRUE(run_until(loop_, [&] { return !events_.empty(); }));
    EXPECT_EQ(channel_.cut_off(), 1U);
}

TEST_F(GuestChannelTest, EndsQuietly) {
    auto second = std::make_unique<GuestChannel>(loop_, directory_ / "nobody.sock", handlers(), clock_);
    second->start();
    second.reset();
    join();
    loop_.restart();
    loop_.poll();
    EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace aerostat::host::virt
