#include "guest-balloon/app/applications.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/guest_fixture.h"
#include "tests/unit/guest-balloon/line_peer.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;

int dial(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
}

/// A program that offers memory, at guestd's door.
class ApplicationsTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(applications.open());
        program = std::make_unique<Peer>(dial(directory / "client.sock"));
        program->say(ReclaimerFigures{"cache", 100_MiB, 0.5});
        ASSERT_TRUE(run_until(loop, [this] { return applications.reclaimers().size() == 1; }));
    }
    void TearDown() override {
        applications.close();
        loop.restart();
        loop.poll();
    }
    void ask(bool& done) {
        applications.ask_for(guest.state, 100_MiB, seconds(60), [&done] { done = true; });
        loop.restart();
        loop.poll();
    }
    [[nodiscard]] bool hears_request() { return program->hears() && std::holds_alternative<Reclaim>(program->last.body); }

    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    SystemClock clock;
    Guest guest;
    Applications applications{loop, directory.path(), clock};
    std::unique_ptr<Peer> program;
};

TEST_F(ApplicationsTest, WhoWasAskedBeforeIsWaitedForToo) {
    bool first = false;
    bool second = false;
    ask(first);
    ask(second);
    EXPECT_FALSE(second) << "its request is under way";
    ASSERT_TRUE(run_until(loop, [this] { return hears_request(); }));
    program->say(Reclaimed{"cache", 100_MiB}, program->last.id);
    EXPECT_TRUE(run_until(loop, [&] { return second; }));
}

TEST_F(ApplicationsTest, WhoWithdrawsItsOfferIsNotWaitedFor) {
    bool done = false;
    ask(done);
    EXPECT_FALSE(done);
    program->say(ForgetReclaimer{"cache"});
    EXPECT_TRUE(run_until(loop, [&] { return done; }));
}

TEST_F(ApplicationsTest, WhereNobodyIsAskedItIsDoneAtOnce) {
    program->say(ForgetReclaimer{"cache"});
    ASSERT_TRUE(run_until(loop, [this] { return applications.reclaimers().size() == 0; }));
    bool done = false;
    ask(done);
    EXPECT_TRUE(done);
}

TEST_F(ApplicationsTest, CacheInUseThatTheEstimateLeavesOutIsNotTakenOffWhatTheyAreTold) {
    OsSight seen;
    seen.cache_in_use = 64_MiB;
    seen.cache_left_out = 15_MiB;
    applications.os_seen(seen);
    GuestMemory memory;
    memory.total = 480_MiB;
    memory.available = 122_MiB;
    guest.state.memory_seen(memory);
    applications.refresh(guest.state);
    EXPECT_EQ(applications.condition().available, 73_MiB) << "49 MiB of the 122 are in use";
}

}  // namespace
}  // namespace aerostat::guest
