#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <future>
#include <thread>

#include "guest-balloon/sense/pss_meter.h"
#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;

TEST(WorkerPool, RunsOffTheLoopAndReturnsToIt) {
    asio::io_context loop;
    WorkerPool pool(loop, 2, 8);
    const auto here = std::this_thread::get_id();
    std::thread::id worked;
    std::thread::id returned;
    ASSERT_TRUE(pool.run([&]() -> std::function<void()> {
        worked = std::this_thread::get_id();
        return [&] { returned = std::this_thread::get_id(); };
    }));
    ASSERT_TRUE(run_until(loop, [&] { return returned != std::thread::id(); }));
    EXPECT_TRUE(returned == here);
    EXPECT_TRUE(worked != here);
}

TEST(WorkerPool, TakesNoMoreThanItsBound) {
    asio::io_context loop;
    std::promise<void> let_go;
    const std::shared_future<void> gate = let_go.get_future().share();
    WorkerPool pool(loop, 1, 2);
    const auto job = [gate]() -> std::function<void()> {
        gate.wait();
        return [] {};
    };
    int taken = 0;
    while (taken < 10 && pool.run(job)) ++taken;
    EXPECT_GE(taken, 2);
    EXPECT_LE(taken, 3);
    let_go.set_value();
}

TEST(WorkerPool, DoesNotWaitForAHangingJobAtItsEnd) {
    auto gate = std::make_shared<std::promise<void>>();
    std::promise<void> started;
    std::promise<void> finished;
    {
        asio::io_context loop;
        WorkerPool pool(loop, 1, 2);
        ASSERT_TRUE(pool.run([gate, &started, &finished]() -> std::function<void()> {
            started.set_value();
            gate->get_future().wait();
            finished.set_value();
            return [] { ADD_FAILURE() << "a result after the end"; };
        }));
        started.get_future().wait();
    }
    gate->set_value();
    finished.get_future().wait();
}

TEST(PssMeter, SeesMemoryComeAndGo) {
    asio::io_context loop;
    WorkerPool pool(loop, 2, 8);
    PssMeter meter(pool);
    const auto measure = [&] {
        std::optional<Result<PssReading>> reading;
        meter.measure(identify_process(::getpid(), ::getuid()), [&](Result<PssReading> seen) { reading = std::move(seen); });
        EXPECT_TRUE(run_until(loop, [&] { return reading.has_value(); }));
        return (*reading)->pss;
    };
    constexpr std::size_t kSize = 64UL * 1024 * 1024;
    const Bytes before = measure();
    void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kSize);
    const Bytes held = measure();
    ::munmap(memory, kSize);
    EXPECT_GE(saturating_sub(held, before), Bytes(kSize - kSize / 16));
    EXPECT_GE(saturating_sub(held, measure()), Bytes(kSize - kSize / 16));
}

TEST(PssMeter, DoesNotMeasureASuccessorOfThePid) {
    asio::io_context loop;
    WorkerPool pool(loop, 1, 8);
    PssMeter meter(pool);
    ProcessIdentity process = identify_process(::getpid(), ::getuid());
    process.start_ticks += 1;
    std::optional<Result<PssReading>> reading;
    meter.measure(process, [&](Result<PssReading> seen) { reading = std::move(seen); });
    ASSERT_TRUE(run_until(loop, [&] { return reading.has_value(); }));
    EXPECT_EQ(reading->error().code, ErrorCode::not_found);
}

TEST(PssMeter, AnswersEverybodyWhoAsksAtOnce) {
    asio::io_context loop;
    WorkerPool pool(loop, 1, 8);
    PssMeter meter(pool);
    int answers = 0;
    for (int i = 0; i < 30; ++i)
        meter.measure(identify_process(::getpid(), ::getuid()), [&](const Result<PssReading>&) { ++answers; });
    EXPECT_TRUE(run_until(loop, [&] { return answers == 30; }));
}

TEST(ProcessIdentity, KnowsWhetherTheProcessLives) {
    ProcessIdentity process = identify_process(::getpid(), ::getuid());
    EXPECT_TRUE(is_alive(process));
    process.start_ticks += 1;
    EXPECT_FALSE(is_alive(process));
}

}  // namespace
}  // namespace aerostat::guest
