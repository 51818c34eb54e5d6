#include "daemon/call_pool.h"

#include <signal.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/support/loop.h"

namespace aerostat::daemon {
namespace {

using aerostat::testing::run_until;
using namespace std::chrono_literals;

/// A call that hangs until it is let go. Lives as long as anybody holds it.
class Hanging {
public:
    Result<int> call() {
        begun.set_value();
        let_go.get_future().wait();
        return 7;
    }
    std::promise<void> begun;
    std::promise<void> let_go;
};

class CallPoolTest : public ::testing::Test {
protected:
    auto hang() {
        return [hanging = hanging_] { return hanging->call(); };
    }
    auto note() {
        return [this](const Result<int>& answer) { answers_.push_back(answer); };
    }
    static auto making(std::atomic<bool>& made) {
        return [&made]() -> Result<int> {
            made = true;
            return 1;
        };
    }
    asio::io_context loop_;
    std::shared_ptr<Hanging> hanging_ = std::make_shared<Hanging>();
    std::vector<Result<int>> answers_;
};

TEST_F(CallPoolTest, AnswersOnTheLoopAndNeverFromInside) {
    CallPool pool(loop_);
    const auto here = std::this_thread::get_id();
    std::thread::id worked;
    std::thread::id answered;
    pool.call<int>(
        "a", 20s,
        [&]() -> Result<int> {
            worked = std::this_thread::get_id();
            return fail(ErrorCode::denied, "no");
        },
        [&](const Result<int>& answer) {
            answered = std::this_thread::get_id();
            answers_.push_back(answer);
        });
    EXPECT_TRUE(answers_.empty());
    EXPECT_TRUE(pool.is_busy("a"));
    ASSERT_TRUE(run_until(loop_, [&] { return !answers_.empty(); }));
    EXPECT_EQ(answers_[0].error().code, ErrorCode::denied);
    EXPECT_EQ(answered, here);
    EXPECT_NE(worked, here);
    EXPECT_FALSE(pool.is_busy("a"));
}

TEST_F(CallPoolTest, AHangingCallIsAnsweredAtItsDeadlineAndKeepsItsKeyUntilItReturns) {
    CallPool pool(loop_);
    pool.call<int>("a", 30ms, hang(), note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
    EXPECT_EQ(answers_[0].error().code, ErrorCode::timed_out);
    EXPECT_TRUE(pool.is_busy("a"));
    // Others are not kept waiting.
    pool.call<int>(
        "b", 20s, [] { return Result<int>(2); }, note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 2; }));
    EXPECT_EQ(answers_[1].value(), 2);
    hanging_->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return !pool.is_busy("a"); }));
    EXPECT_EQ(answers_.size(), 2U) << "answered once only";
}

TEST_F(CallPoolTest, CallsOfOneKeyRunOneAfterTheOther) {
    CallPool pool(loop_);
    std::atomic<int> under_way = 0;
    std::atomic<int> most = 0;
    for (int i = 0; i < 8; ++i) {
        pool.call<int>(
            "a", 20s,
            [&, i]() -> Result<int> {
                most = std::max<int>(most, ++under_way);
                std::this_thread::yield();
                --under_way;
                return i;
            },
            note());
    }
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 8; }));
    EXPECT_EQ(most, 1);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(answers_[static_cast<std::size_t>(i)].value(), i) << "in the order asked";
}

TEST_F(CallPoolTest, ACallThatWaitedBeyondItsDeadlineIsNeverMade) {
    CallPool pool(loop_);
    std::atomic<bool> made = false;
    pool.call<int>("a", 20s, hang(), note());
    pool.call<int>("a", 10ms, making(made), note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
    EXPECT_EQ(answers_[0].error().code, ErrorCode::timed_out);
    hanging_->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return !pool.is_busy("a"); }));
    EXPECT_EQ(answers_.at(1).value(), 7);
    EXPECT_FALSE(made);
}

TEST_F(CallPoolTest, ACallThatFoundNoFreeThreadInTimeIsNeverMade) {
    CallPool pool(loop_, {.threads = 1, .stuck = 0, .waiting = 8});
    std::atomic<bool> made = false;
    pool.call<int>("a", 20s, hang(), note());
    pool.call<int>("b", 10ms, making(made), note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
    EXPECT_NE(answers_[0].error().message.find("nothing was done"), std::string::npos);
    hanging_->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return !pool.is_busy("a") && !pool.is_busy("b"); }));
    EXPECT_FALSE(made);
    EXPECT_EQ(answers_.size(), 2U);
}

TEST_F(CallPoolTest, FiveCallsThatHangHoldUpNobodyElse) {
    CallPool pool(loop_, {.threads = 4, .stuck = 64, .stuck_after = 20ms, .waiting = 8});
    std::vector<std::shared_ptr<Hanging>> hung;
    for (int i = 0; i < 5; ++i) {
        hung.push_back(std::make_shared<Hanging>());
        pool.call<int>(
            "hung" + std::to_string(i), 20s, [one = hung.back()] { return one->call(); }, note());
    }
    for (int i = 0; i < 8; ++i)
        pool.call<int>(
            "good" + std::to_string(i), 20s, [i] { return Result<int>(i); }, note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 8; })) << "while none of the five has returned";
    ASSERT_TRUE(run_until(loop_, [&] { return pool.stuck().calls == 5; }));
    EXPECT_FALSE(pool.stuck().at_limit);
    for (const auto& one : hung) one->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 13; }));
    EXPECT_EQ(pool.stuck().calls, 0U);
}

TEST_F(CallPoolTest, NoMoreThreadsAreStuckThanAllowedAndItSaysSo) {
    CallPool pool(loop_, {.threads = 1, .stuck = 2, .stuck_after = 20ms, .waiting = 8});
    std::vector<std::shared_ptr<Hanging>> hung;
    for (int i = 0; i < 3; ++i) {
        hung.push_back(std::make_shared<Hanging>());
        pool.call<int>(
            "hung" + std::to_string(i), 20s, [one = hung.back()] { return one->call(); }, note());
    }
    ASSERT_TRUE(run_until(loop_, [&] { return pool.stuck().at_limit; }));
    std::atomic<bool> made = false;
    pool.call<int>(
        "good", 100ms,
        [&]() -> Result<int> {
            made = true;
            return 1;
        },
        note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
    EXPECT_EQ(answers_[0].error().code, ErrorCode::timed_out);
    hung[0]->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return !pool.stuck().at_limit; }));
    pool.call<int>(
        "good", 20s, [] { return Result<int>(2); }, note());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 3; })) << "there is room again";
    EXPECT_FALSE(made);
    for (int i = 1; i < 3; ++i) hung[static_cast<std::size_t>(i)]->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 5; }));
}

TEST_F(CallPoolTest, RefusesMoreThanTheBoundOfWaitingCalls) {
    CallPool pool(loop_, {.threads = 1, .waiting = 2});
    pool.call<int>("a", 20s, hang(), note());
    for (int i = 0; i < 3; ++i)
        pool.call<int>(
            "a", 20s, [i] { return Result<int>(i); }, note());
    EXPECT_TRUE(answers_.empty());
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
    EXPECT_EQ(answers_[0].error().code, ErrorCode::busy);
    hanging_->let_go.set_value();
    ASSERT_TRUE(run_until(loop_, [&] { return answers_.size() == 4; }));
}

TEST_F(CallPoolTest, IsDestroyedWhileACallHangsAndLeavesItBehind) {
    const std::weak_ptr<Hanging> watched = hanging_;
    auto pool = std::make_unique<CallPool>(loop_);
    pool->call<int>("a", 20s, hang(), note());
    pool->call<int>("a", 20s, hang(), note());
    hanging_->begun.get_future().wait();
    const auto begin = std::chrono::steady_clock::now();
    pool.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "a second, and some for a loaded machine";
    loop_.poll();
    EXPECT_TRUE(answers_.empty());
    hanging_->let_go.set_value();
    hanging_.reset();
    while (!watched.expired()) std::this_thread::yield();  // the thread lets go of what its call owned
}

TEST_F(CallPoolTest, DisposesOnAThreadEvenAtItsEnd) {
    std::thread::id disposed;
    std::function<void(CallPool::Action)> dispose;
    {
        CallPool pool(loop_);
        dispose = pool.disposer();
        // Owned by a call that is never made: goes while the pool is being destroyed.
        const std::shared_ptr<int> owned(new int(1), [&, dispose](int* last) {
            dispose([&disposed, last] {
                disposed = std::this_thread::get_id();
                delete last;
            });
        });
        pool.call<int>("a", 20s, hang(), note());
        hanging_->begun.get_future().wait();
        pool.call<int>(
            "a", 20s, [owned] { return Result<int>(*owned); }, note());
        hanging_->let_go.set_value();
    }
    EXPECT_NE(disposed, std::thread::id());
    EXPECT_NE(disposed, std::this_thread::get_id());
    dispose([] { FAIL() << "nobody is left to run it"; });
}

TEST_F(CallPoolTest, SignalsAreBlockedInItsThreads) {
    CallPool pool(loop_);
    pool.call<int>(
        "a", 20s,
        []() -> Result<int> {
            sigset_t mask;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            return ::sigismember(&mask, SIGTERM);
        },
        note());
    ASSERT_TRUE(run_until(loop_, [&] { return !answers_.empty(); }));
    EXPECT_EQ(answers_[0].value(), 1);
    sigset_t ours;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    EXPECT_EQ(::sigismember(&ours, SIGTERM), 0);
}

}  // namespace
}  // namespace aerostat::daemon
