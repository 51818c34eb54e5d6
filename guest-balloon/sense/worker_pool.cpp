#include "guest-balloon/sense/worker_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include <asio/post.hpp>

namespace aerostat::guest {

struct WorkerPool::State {
    State(asio::io_context& its_loop, std::size_t most) : loop(its_loop), most_waiting(most) {}
    asio::io_context& loop;  // used only while not stopped, under the mutex: it may be gone afterwards
    const std::size_t most_waiting;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> waiting;
    std::size_t alive = 0;
    bool stopped = false;
};

WorkerPool::WorkerPool(asio::io_context& loop, std::size_t threads, std::size_t most_waiting)
    : state_(std::make_shared<State>(loop, most_waiting)) {
    // Signals are the loop thread's business.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state_->alive = threads;
    for (std::size_t i = 0; i < threads; ++i) std::thread([state = state_] { work(state); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerPool::~WorkerPool() {
    std::unique_lock lock(state_->mutex);
    state_->stopped = true;
    state_->waiting.clear();
    state_->changed.notify_all();
    state_->changed.wait_for(lock, std::chrono::milliseconds(300), [this] { return state_->alive == 0; });
}

bool WorkerPool::run(Job job) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped || state_->waiting.size() >= state_->most_waiting) return false;
    state_->waiting.push_back(std::move(job));
    state_->changed.notify_one();
    return true;
}

void WorkerPool::post(std::function<void()> then) { asio::post(state_->loop, std::move(then)); }

void WorkerPool::work(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&] { return state->stopped || !state->waiting.empty(); });
        if (state->stopped) break;
        const Job job = std::move(state->waiting.front());
        state->waiting.pop_front();
        lock.unlock();
        auto then = job();
        lock.lock();
        if (!state->stopped) asio::post(state->loop, std::move(then));
    }
    --state->alive;
    state->changed.notify_all();
}

}  // namespace aerostat::guest
