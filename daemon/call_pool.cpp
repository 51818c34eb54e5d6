#include "daemon/call_pool.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include <asio/post.hpp>

#include "daemon/quiet_thread.h"

namespace aerostat::daemon {
namespace {

constexpr Duration kFarewell = std::chrono::seconds(1);

}  // namespace

void start_quiet_thread(std::function<void()> body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
    std::thread(std::move(body)).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// What the threads know; they may outlive the pool by the call they are stuck in.
struct CallPool::Shared {
    std::mutex mutex;
    std::condition_variable work_or_stop;
    std::condition_variable thread_ended;
    std::deque<Action> jobs;
    std::deque<Action> disposals;
    bool closing = false;  ///< the loop is not told of anything any more; disposals are still to come
    bool stop = false;     ///< and none of those either: the threads end
    unsigned running = 0;
    unsigned wanted = 0;  ///< more than these end when they have nothing in hand

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            work_or_stop.wait(lock, [this] { return stop || running > wanted || !jobs.empty() || !disposals.empty(); });
            if (!stop && running > wanted) break;
            auto& queue = disposals.empty() ? jobs : disposals;
            if (queue.empty()) break;
            Action job = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            job();
            job = nullptr;  // what it owns goes here, outside the lock
            lock.lock();
        }
        --running;
        work_or_stop.notify_one();  // what we were woken for is another's now
        thread_ended.notify_all();
    }

    /// So many threads from now on, but for those that are stuck.
    static void keep(const std::shared_ptr<Shared>& shared, unsigned threads) {
        const std::lock_guard lock(shared->mutex);
        shared->wanted = threads;
        if (shared->running > threads) shared->work_or_stop.notify_all();
        try {
            for (; shared->running < threads; ++shared->running) start_quiet_thread([shared] { shared->run(); });
        } catch (const std::system_error&) {
            // As many as the system allows, then; the next review tries again.
        }
    }
};

// The part of a call that a thread holds. Begun or given up: whichever comes first, and only one of the two.
struct CallPool::Task {
    Action work;
    std::atomic_flag taken = ATOMIC_FLAG_INIT;
    std::atomic<std::chrono::steady_clock::time_point> begun{std::chrono::steady_clock::time_point::max()};

    void run() {
        if (taken.test_and_set()) return;
        begun = std::chrono::steady_clock::now();
        work();
    }
    [[nodiscard]] bool is_stuck(Duration after) const {
        const auto now = std::chrono::steady_clock::now();
        const auto since = begun.load();
        return since <= now && now - since >= after;
    }
};

// The part of a call that the loop holds.
struct CallPool::Call {
    std::shared_ptr<Task> task;
    std::function<void(const Error*)> answer;
    asio::steady_timer timer;
    void close(const Error* why) {
        timer.cancel();
        if (const auto once = std::exchange(answer, nullptr)) once(why);
    }
};

CallPool::CallPool(asio::io_context& loop, CallBounds bounds)
    : loop_(loop), bounds_(bounds), shared_(std::make_shared<Shared>()), review_timer_(loop) {
    Shared::keep(shared_, bounds.threads);
}

CallPool::~CallPool() {
    *alive_ = false;
    std::deque<Action> never_run;
    {
        std::unique_lock lock(shared_->mutex);
        shared_->closing = true;
        never_run.swap(shared_->jobs);
    }
    // What the open calls own may dispose of itself in going: only then may the threads end.
    never_run.clear();
    keys_.clear();
    std::unique_lock lock(shared_->mutex);
    shared_->stop = true;
    shared_->work_or_stop.notify_all();
    shared_->thread_ended.wait_for(lock, kFarewell, [this] { return shared_->running == 0; });
}

std::function<void(CallPool::Action)> CallPool::disposer() const {
    return [shared = shared_](Action action) {
        const std::lock_guard lock(shared->mutex);
        shared->disposals.push_back(std::move(action));
        shared->work_or_stop.notify_one();
    };
}

void CallPool::run(const std::string& name, Duration deadline, Action work, std::function<void(const Error*)> answer) {
    Key& key = keys_[name];
    if (key.waiting.size() >= bounds_.waiting) {
        return asio::post(loop_, [answer = std::move(answer), name, alive = alive_] {
            const Error why{ErrorCode::busy, "too many calls are waiting for one that does not return (" + name + ")"};
            if (*alive) answer(&why);
        });
    }
    auto call = std::make_shared<Call>(Call{std::make_shared<Task>(), std::move(answer), asio::steady_timer(loop_)});
    call->task->work = std::move(work);
    call->timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline));
    call->timer.async_wait([this, name, weak = std::weak_ptr(call), alive = alive_](asio::error_code error) {
        const auto late = weak.lock();
        if (!error && *alive && late) too_late(name, late);
    });
    if (key.under_way)
        key.waiting.push_back(std::move(call));
    else
        begin(name, std::move(call));
}

void CallPool::begin(const std::string& name, std::shared_ptr<Call> call) {
    Key& key = keys_.at(name);
    key.under_way = std::move(call);
    review_soon();
    Action job = [this, name, task = key.under_way->task, alive = alive_, &loop = loop_, shared = shared_.get()] {
        task->run();
        // On a pool thread: the loop outlives the posting only while the pool is alive, which `closing` tells.
        const std::lock_guard lock(shared->mutex);
        if (shared->closing) return;
        asio::post(loop, [this, name, alive] {
            if (*alive) returned(name);
        });
    };
    const std::lock_guard lock(shared_->mutex);
    shared_->jobs.push_back(std::move(job));
    shared_->work_or_stop.notify_one();
}

CallPool::Stuck CallPool::stuck() const {
    Stuck stuck;
    for (const auto& [name, key] : keys_) {
        if (key.under_way->task->is_stuck(bounds_.stuck_after)) ++stuck.calls;
    }
    stuck.at_limit = stuck.calls >= bounds_.threads + bounds_.stuck;
    return stuck;
}

void CallPool::review() {
    reviewing_ = false;
    const auto replaced = static_cast<unsigned>(std::min<std::size_t>(stuck().calls, bounds_.stuck));
    Shared::keep(shared_, bounds_.threads + replaced);
    if (!keys_.empty()) review_soon();
}

// Only while calls are under way: a daemon with nothing to do sleeps.
void CallPool::review_soon() {
    if (std::exchange(reviewing_, true)) return;
    review_timer_.expires_after(bounds_.stuck_after / 2);
    review_timer_.async_wait([this, alive = alive_](asio::error_code error) {
        if (!error && *alive) review();
    });
}

void CallPool::returned(const std::string& name) {
    Key& key = keys_.at(name);
    const auto call = std::exchange(key.under_way, nullptr);
    if (key.waiting.empty()) {
        keys_.erase(name);
    } else {
        auto next = std::move(key.waiting.front());
        key.waiting.pop_front();
        begin(name, std::move(next));
    }
    call->close(nullptr);
}

void CallPool::too_late(const std::string& name, const std::shared_ptr<Call>& call) {
    const bool had_begun = call->task->taken.test_and_set();
    if (const auto key = keys_.find(name); key != keys_.end()) std::erase(key->second.waiting, call);
    const Error why{ErrorCode::timed_out, had_begun ? "no answer within the deadline; the call may still take effect"
                                                    : "it was not its turn within the deadline; nothing was done"};
    call->close(&why);
}

}  // namespace aerostat::daemon
