#include "jvm-agent/jvm/gc_signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

namespace aerostat::agent {
namespace {

using namespace std::chrono_literals;

class GcSignalsTest : public testing::Test {
protected:
    GcSignalsTest() { signals.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
    ~GcSignalsTest() override { close(signals.event_fd); }
    bool is_awake() {
        std::uint64_t count = 0;
        return read(signals.event_fd, &count, sizeof count) == sizeof count;
    }
    /// A pause in which the collector frees so much of what is used, on whatever thread it runs.
    void pause(std::uint64_t frees) {
        const std::lock_guard safepoint(safepoint_);
        used += frees;  // allocated since the last one
        signals.start_of_pause();
        used -= frees;
        signals.end_of_pause();
    }
    GcSignals signals;
    std::uint64_t used = 1000;

private:
    std::mutex safepoint_;
};

TEST_F(GcSignalsTest, EveryPauseCountsWhicheverThreadItIsOnAndWhoeverReads) {
    constexpr int kThreads = 4, kPauses = 2000;
    signals.used_address.store(reinterpret_cast<std::uintptr_t>(&used));
    std::atomic<int> at_work{kThreads};
    std::thread agent([&] {
        std::uint64_t last = 0;
        while (at_work > 0) {
            const std::uint64_t now = signals.finished.load(std::memory_order_acquire);
            EXPECT_GE(now, last);
            EXPECT_GE(signals.stopped(), 0ns);
            static_cast<void>(signals.pauses.p99_since_last());
            signals.wanted.store(now % 2 == 0);
            last = now;
        }
    });
    std::vector<std::thread> collectors;
    for (int i = 0; i < kThreads; ++i) {
        collectors.emplace_back([&] {
            for (int n = 0; n < kPauses; ++n) pause(3);
            --at_work;
        });
    }
    for (auto& one : collectors) one.join();
    agent.join();
    EXPECT_EQ(signals.finished, std::uint64_t{kThreads} * kPauses);
    EXPECT_EQ(signals.freed, std::uint64_t{kThreads} * kPauses * 3);
    EXPECT_EQ(signals.used_after, 1000U);
}

TEST_F(GcSignalsTest, ARemarkThatIsTheFirstPauseOfAllTellsWhatIsOccupied) {
    std::uint64_t cycle_pauses = 4;
    signals.used_address.store(reinterpret_cast<std::uintptr_t>(&used));
    signals.cycle_pauses.store(cycle_pauses);
    signals.cycle_pauses_address.store(reinterpret_cast<std::uintptr_t>(&cycle_pauses));
    ++cycle_pauses;
    pause(3);
    EXPECT_EQ(signals.used_after, 1000U) << "attached while the collector marked";
}

TEST_F(GcSignalsTest, ACyclesPausesAndTheCollectionsAfterThemAreToldUnasked) {
    std::uint64_t cycle_pauses = 0;
    signals.cycle_pauses_address.store(reinterpret_cast<std::uintptr_t>(&cycle_pauses));
    const auto told = [&] {
        pause(0);
        return is_awake();
    };
    EXPECT_FALSE(told());
    ++cycle_pauses;
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(told());
    for (int i = 0; i < 10; ++i) static_cast<void>(told());
    EXPECT_FALSE(told());
}

TEST_F(GcSignalsTest, TheBeginningsOfTheLatestPausesAreKept) {
    EXPECT_FALSE(signals.start_of(0));
    EXPECT_FALSE(signals.start_of(1));
    const TimePoint before = SystemClock().now();
    for (int i = 0; i < 40; ++i) pause(0);
    EXPECT_FALSE(signals.start_of(41)) << "still to come";
    EXPECT_FALSE(signals.start_of(20)) << "long ago";
    for (std::uint64_t number = 27; number <= 40; ++number) {
        ASSERT_TRUE(signals.start_of(number)) << number;
        EXPECT_GE(*signals.start_of(number), before);
        EXPECT_GE(*signals.start_of(number), *signals.start_of(std::max<std::uint64_t>(number - 1, 27)));
    }
    EXPECT_LE(*signals.start_of(40), SystemClock().now());
}

TEST_F(GcSignalsTest, TheAgentIsWokenOnlyWhileItWaitsForPauses) {
    pause(0);
    EXPECT_FALSE(is_awake());
    signals.wanted = true;
    std::thread collector([this] { pause(0); });
    pollfd waiting{signals.event_fd, POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, 60'000), 1);
    collector.join();
    EXPECT_TRUE(is_awake());
    EXPECT_FALSE(is_awake()) << "once for each";
}

TEST_F(GcSignalsTest, APauseNeverWaitsForAnAgentThatDoesNotRead) {
    const std::uint64_t full = ~std::uint64_t{1};
    ASSERT_EQ(write(signals.event_fd, &full, sizeof full), static_cast<ssize_t>(sizeof full));
    signals.wanted = true;
    pause(0);
    EXPECT_EQ(signals.finished, 1U);
    EXPECT_TRUE(is_awake());
}

TEST_F(GcSignalsTest, AnEndWhoseBeginningWasNotSeenHasNoLength) {
    signals.end_of_pause();
    EXPECT_EQ(signals.finished, 1U);
    EXPECT_EQ(signals.stopped(), 0ns);
    EXPECT_FALSE(signals.pauses.p99_since_last());
}

TEST_F(GcSignalsTest, AHeapThatGrewInAPauseHasFreedNothing) {
    signals.used_address.store(reinterpret_cast<std::uintptr_t>(&used));
    signals.start_of_pause();
    used += 500;
    signals.end_of_pause();
    EXPECT_EQ(signals.freed, 0U);
    EXPECT_EQ(signals.used_after, 1500U);
}

TEST(PauseHistogram, LosesNoneOfSeveralThreads) {
    PauseHistogram pauses;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (int n = 0; n < 1000; ++n) pauses.add(i == 0 && n < 41 ? 80ms : 1ms);
        });
    }
    for (auto& one : threads) one.join();
    const auto p99 = pauses.p99_since_last();  // 40 of 4,000 may be longer; 41 are
    ASSERT_TRUE(p99);
    EXPECT_GE(*p99, 80ms);
    EXPECT_LE(*p99, 100ms) << "a bucket is a quarter of an octave wide";
}

TEST(PauseHistogram, OneInAHundredMayBeLonger) {
    PauseHistogram pauses;
    for (int i = 0; i < 99; ++i) pauses.add(2ms);
    pauses.add(1s);
    EXPECT_LE(pauses.p99_since_last().value(), 3ms);
    pauses.add(1s);
    EXPECT_GE(pauses.p99_since_last().value(), 1000ms);
}

TEST(PauseHistogram, ForgetsWhatTwoCallsHaveSeen) {
    PauseHistogram pauses;
    EXPECT_FALSE(pauses.p99_since_last());
    pauses.add(5ms);
    EXPECT_TRUE(pauses.p99_since_last());
    EXPECT_TRUE(pauses.p99_since_last()) << "reports overlap";
    EXPECT_FALSE(pauses.p99_since_last());
}

TEST(PauseHistogram, TakesPausesOfAnyLength) {
    for (const Duration pause : {Duration::zero(), Duration(1), Duration(16'383), Duration(16'384), Duration(24h)}) {
        PauseHistogram pauses;
        pauses.add(pause);
        const auto told = pauses.p99_since_last();
        ASSERT_TRUE(told) << pause.count();
        EXPECT_GE(*told, 1ms) << "rounded up";
        EXPECT_GE(*told, std::min<Duration>(pause, 1min)) << "the last bucket has no upper edge";
    }
}

}  // namespace
}  // namespace aerostat::agent
