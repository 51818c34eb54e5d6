#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "guest-balloon/link/client_server.h"
#include "tests/support/loop.h"
#include "tests/unit/guest-balloon/condition_handle.h"

// What of the C interface goes over client.sock: wake-ups, and caches that give memory back.
namespace aerostat::client {
namespace {

using aerostat::guest::ConditionNews;
using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

/// guestd's end of client.sock, in a thread of its own.
class DoorTest : public ::testing::Test {
protected:
    TemporaryDirectory directory;
    SystemClock clock;
    asio::io_context loop;
    std::unique_ptr<guest::ClientServer> server;
    std::vector<Envelope> heard;
    guest::ConnectionId from = 0;

    void open() {
        guest::ClientServer::Handlers handlers;
        handlers.now = [] { return MemoryNews{}; };
        handlers.on_reclaimer = [this](guest::ConnectionId connection, const Envelope& envelope) {
            heard.push_back(envelope);
            from = connection;
            return Status{};
        };
        handlers.on_gone = [this](guest::ConnectionId) { from = 0; };
        auto opened = guest::ClientServer::open(loop, directory / "client.sock", {}, std::move(handlers), clock);
        ASSERT_TRUE(opened) << opened.error().message;
        server = *std::move(opened);
    }
    static bool is_readable(int fd) {
        pollfd waiting{fd, POLLIN, 0};
        return ::poll(&waiting, 1, 0) == 1;
    }
};

TEST_F(DoorTest, ADescriptorTellsOfNewsAndOutlivesTheDaemon) {
    open();
    Handle handle(directory.path());
    const int fd = aerostat_condition_fd(handle.get(), AEROSTAT_WAIT_LEVEL);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(aerostat_condition_fd(handle.get(), AEROSTAT_WAIT_LEVEL), fd);
    const auto news = [&] { return is_readable(fd) && aerostat_condition_dispatch(handle.get()) == 1; };
    EXPECT_TRUE(run_until(loop, news)) << "the first word";
    EXPECT_FALSE(is_readable(fd));
    server->tell(MemoryNews{}, ConditionNews::figures);
    server->tell(MemoryNews{}, ConditionNews::level);
    EXPECT_TRUE(run_until(loop, news));
    server.reset();
    EXPECT_TRUE(run_until(loop, news)) << "that it ended";
    open();
    EXPECT_TRUE(run_until(loop, [&] {
        if (is_readable(fd)) aerostat_condition_dispatch(handle.get());
        return server->connections() == 1;
    })) << "it came back by itself";
}

TEST_F(DoorTest, AReclaimerWithoutAThreadIsDrivenByItsProgram) {
    open();
    std::uint64_t asked = 0;
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    const std::string where = directory.path();
    options.runtime_dir = where.c_str();
    options.name = "pictures";
    options.flags = AEROSTAT_RECLAIMER_NO_THREAD;
    options.user = &asked;
    options.releasable_bytes = 4096;
    options.price = 0.5;
    options.reclaim = [](void* user, std::uint64_t bytes, std::uint64_t) {
        *static_cast<std::uint64_t*>(user) = bytes;
        return bytes - 1;
    };
    aerostat_reclaimer* reclaimer = nullptr;
    ASSERT_EQ(aerostat_reclaimer_register(&options, &reclaimer), 0);
    ASSERT_TRUE(run_until(loop, [&] { return heard.size() == 1; }));
    EXPECT_EQ(std::get<ReclaimerFigures>(heard[0].body).price, 0.5);
    server->send(from, "r9", Reclaim{"pictures", Bytes(1000), Millis(500)});
    server->send(from, "r10", Reclaim{"others", Bytes(1), Millis(500)});
    const int fd = aerostat_reclaimer_fd(reclaimer);
    EXPECT_TRUE(run_until(loop, [&] { return is_readable(fd) && aerostat_reclaimer_dispatch(reclaimer) == 1; }));
    EXPECT_EQ(asked, 1000U);
    ASSERT_TRUE(run_until(loop, [&] { return heard.size() == 2; }));
    EXPECT_EQ(heard[1].id, "r9");
    EXPECT_EQ(std::get<Reclaimed>(heard[1].body).released, Bytes(999));
    EXPECT_EQ(aerostat_reclaimer_update(reclaimer, 77, -1), 0);
    ASSERT_TRUE(run_until(loop, [&] {
        if (is_readable(fd)) aerostat_reclaimer_dispatch(reclaimer);
        return heard.size() == 3;
    }));
    EXPECT_EQ(std::get<ReclaimerFigures>(heard[2].body).releasable, Bytes(77));
    EXPECT_FALSE(std::get<ReclaimerFigures>(heard[2].body).price);
    aerostat_reclaimer_unregister(reclaimer);
    EXPECT_TRUE(run_until(loop, [&] { return server->connections() == 0; }));
}

TEST_F(DoorTest, AReclaimerWithAThreadAnswersByItselfAndEndsCleanly) {
    open();
    std::atomic<int> calls = 0;
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    const std::string where = directory.path();
    options.runtime_dir = where.c_str();
    options.name = "pictures";
    options.user = &calls;
    options.reclaim = [](void* user, std::uint64_t bytes, std::uint64_t) {
        ++*static_cast<std::atomic<int>*>(user);
        return bytes;
    };
    aerostat_reclaimer* reclaimer = nullptr;
    ASSERT_EQ(aerostat_reclaimer_register(&options, &reclaimer), 0);
    ASSERT_TRUE(run_until(loop, [&] { return !heard.empty(); }));
    server->send(from, "r1", Reclaim{"pictures", Bytes(10), Millis(500)});
    ASSERT_TRUE(run_until(loop, [&] { return heard.size() >= 2; }));
    EXPECT_EQ(calls, 1);
    server.reset();
    open();
    heard.clear();
    EXPECT_TRUE(run_until(loop, [&] { return !heard.empty(); })) << "it registered again by itself";
    aerostat_reclaimer_unregister(reclaimer);
}

TEST_F(DoorTest, AReclaimerMayEndItselfInItsCall) {
    open();
    struct Context {
        aerostat_reclaimer* reclaimer = nullptr;
        std::atomic<bool> called = false;
    } context;
    aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
    const std::string where = directory.path();
    options.runtime_dir = where.c_str();
    options.name = "pictures";
    options.user = &context;
    options.reclaim = [](void* user, std::uint64_t bytes, std::uint64_t) {
        auto& mine = *static_cast<Context*>(user);
        aerostat_reclaimer_unregister(mine.reclaimer);
        mine.called = true;
        return bytes;
    };
    ASSERT_EQ(aerostat_reclaimer_register(&options, &context.reclaimer), 0);
    ASSERT_TRUE(run_until(loop, [&] { return !heard.empty(); }));
    server->send(from, "r1", Reclaim{"pictures", Bytes(10), Millis(500)});
    EXPECT_TRUE(run_until(loop, [&] { return context.called && server->connections() == 0; }));
}

/// A reclaimer without a thread whose call does as the test says, once.
class DrivenReclaimerTest : public DoorTest {
protected:
    std::function<void()> in_the_call;
    aerostat_reclaimer* reclaimer = nullptr;
    int fd = -1;

    void SetUp() override {
        ::signal(SIGPIPE, SIG_IGN);  // as guestd does
        open();
        const std::string where = directory.path();
        aerostat_reclaimer_options options = AEROSTAT_RECLAIMER_OPTIONS_INIT;
        options.runtime_dir = where.c_str();
        options.name = "pictures";
        options.flags = AEROSTAT_RECLAIMER_NO_THREAD;
        options.user = this;
        options.reclaim = [](void* user, std::uint64_t bytes, std::uint64_t) {
            static_cast<DrivenReclaimerTest*>(user)->in_the_call();
            return bytes;
        };
        ASSERT_EQ(aerostat_reclaimer_register(&options, &reclaimer), 0);
        fd = aerostat_reclaimer_fd(reclaimer);
        ASSERT_TRUE(run_until(loop, [this] { return !heard.empty(); }));
    }
    /// Asks twice, and has the program dispatch. Its result.
    int ask() {
        for (const char* id : {"r1", "r2"}) server->send(from, id, Reclaim{"pictures", Bytes(10), Millis(500)});
        EXPECT_TRUE(run_until(loop, [this] { return is_readable(fd); }));
        for (loop.restart(); loop.poll() > 0; loop.restart()) continue;  // the second one, too
        return aerostat_reclaimer_dispatch(reclaimer);
    }
};

TEST_F(DrivenReclaimerTest, MayEndItselfInItsCall) {
    int calls = 0;
    in_the_call = [&] {
        ++calls;
        aerostat_reclaimer_unregister(reclaimer);
        EXPECT_GE(::fcntl(fd, F_GETFD), 0) << "it was deleted under the call that is still running";
    };
    EXPECT_EQ(ask(), 1);
    EXPECT_EQ(calls, 1) << "it was called after its end";
    EXPECT_LT(::fcntl(fd, F_GETFD), 0) << "it was never deleted";
    EXPECT_TRUE(run_until(loop, [&] { return server->connections() == 0; }));
}

TEST_F(DrivenReclaimerTest, EndsForAnotherThreadAfterItsCall) {
    std::atomic<bool> has_ended = false;
    std::thread other;
    in_the_call = [&] {
        other = std::thread([&] {
            aerostat_reclaimer_unregister(reclaimer);
            has_ended = true;
        });
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
        while (!has_ended && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        EXPECT_FALSE(has_ended) << "it did not wait for the call";
    };
    EXPECT_EQ(ask(), 1);
    other.join();
    EXPECT_TRUE(run_until(loop, [&] { return server->connections() == 0; }));
}

TEST_F(DrivenReclaimerTest, IsNotCalledAgainInItsCall) {
    int calls = 0;
    int inner = -1;
    in_the_call = [&] {
        if (++calls > 1) return;
        server->send(from, "r3", Reclaim{"pictures", Bytes(10), Millis(500)});
        EXPECT_TRUE(run_until(loop, [&] { return is_readable(fd); }));
        inner = aerostat_reclaimer_dispatch(reclaimer);
        EXPECT_EQ(calls, 1);
    };
    EXPECT_GE(ask(), 1);
    EXPECT_TRUE(run_until(loop, [&] {
        if (is_readable(fd)) aerostat_reclaimer_dispatch(reclaimer);
        return calls == 3;
    }));
    EXPECT_EQ(inner, 0);
    aerostat_reclaimer_unregister(reclaimer);
}

}  // namespace
}  // namespace aerostat::client
