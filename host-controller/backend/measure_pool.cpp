#include "host-controller/backend/measure_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

namespace aerostat::host {
namespace {

// A question is answered once: by the measurement or by its deadline, whichever is first.
struct Question {
    MeasurePool::Answer answer;
    std::unique_ptr<asio::steady_timer> timer;
    Look look = Look::closely;
    bool open = true;
    void close(Result<GuestResidency> with) {
        if (!open) return;
        open = false;
        timer->cancel();
        answer(std::move(with));
    }
};
using Questions = std::vector<std::shared_ptr<Question>>;

Look closest(const Questions& questions) {
    const bool closely = std::any_of(questions.begin(), questions.end(),
                                     [](const auto& question) { return question->look == Look::closely; });
    return closely ? Look::closely : Look::glance;
}

}  // namespace

// Shared with the threads, which may outlive the pool by the measurement they are stuck in.
struct MeasurePool::Shared {
    std::mutex mutex;
    std::condition_variable work_or_stop;
    std::condition_variable thread_ended;
    struct Job {
        GuestId guest;
        Look look;
        Answer done;
    };
    std::deque<Job> jobs;
    Measure measure;
    bool stop = false;
    unsigned running = 0;

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            work_or_stop.wait(lock, [this] { return stop || !jobs.empty(); });
            if (stop) break;
            const Job job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job.done(measure(job.guest, job.look));
            lock.lock();
        }
        --running;
        thread_ended.notify_all();
    }
};

struct MeasurePool::Guest {
    bool measuring = false;
    Questions current;  ///< answered by the measurement under way
    Questions next;     ///< came later: answered by one begun after it
};

MeasurePool::MeasurePool(asio::io_context& loop, Measure measure, unsigned threads, Duration deadline)
    : loop_(loop), deadline_(deadline), shared_(std::make_shared<Shared>()) {
    shared_->measure = std::move(measure);
    shared_->running = threads;
    for (unsigned i = 0; i < threads; ++i) std::thread([shared = shared_] { shared->run(); }).detach();
}

MeasurePool::~MeasurePool() {
    *alive_ = false;
    std::unique_lock lock(shared_->mutex);
    shared_->stop = true;
    shared_->jobs.clear();
    shared_->work_or_stop.notify_all();
    shared_->thread_ended.wait_for(lock, std::chrono::seconds(1), [this] { return shared_->running == 0; });
}

bool MeasurePool::is_busy(const GuestId& guest) const { return guests_.contains(guest); }

void MeasurePool::ask(const GuestId& id, Answer answer, Look look) {
    auto& guest = guests_[id];
    if (!guest) guest = std::make_unique<Guest>();
    auto question = std::make_shared<Question>();
    question->answer = std::move(answer);
    question->look = look;
    question->timer = std::make_unique<asio::steady_timer>(loop_, deadline_);
    question->timer->async_wait([question, alive = alive_](asio::error_code error) {
        if (!error && *alive) question->close(fail(ErrorCode::timed_out, "measuring took too long"));
    });
    guest->next.push_back(std::move(question));
    if (!guest->measuring) begin(id);
}

void MeasurePool::begin(const GuestId& id) {
    Guest& guest = *guests_.at(id);
    guest.measuring = true;
    guest.current = std::exchange(guest.next, {});
    Answer done = [this, id, alive = alive_, &loop = loop_, shared = shared_.get()](Result<GuestResidency> seen) {
        // On a pool thread: the loop outlives the posting only while the pool is alive, which `stop` tells.
        const std::lock_guard lock(shared->mutex);
        if (shared->stop) return;
        asio::post(loop, [this, id, alive, seen = std::move(seen)] {
            if (*alive) finish(id, seen);
        });
    };
    const std::lock_guard lock(shared_->mutex);
    shared_->jobs.push_back({id, closest(guest.current), std::move(done)});
    shared_->work_or_stop.notify_one();
}

void MeasurePool::finish(const GuestId& id, const Result<GuestResidency>& seen) {
    Guest& guest = *guests_.at(id);
    guest.measuring = false;
    const Questions answered = std::exchange(guest.current, {});
    if (guest.next.empty())
        guests_.erase(id);
    else
        begin(id);
    for (const auto& question : answered) question->close(seen);
}

}  // namespace aerostat::host
