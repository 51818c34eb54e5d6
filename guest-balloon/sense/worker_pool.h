#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <asio/io_context.hpp>

#include "contract/clock.h"

namespace aerostat::guest {

/// A few threads for calls that may be slow or hang (smaps of a process whose memory lock is held), so that the loop never
/// makes them. At most `most_waiting` jobs queue. Thread: the loop's.
class WorkerPool {
public:
    WorkerPool(asio::io_context& loop, std::size_t threads, std::size_t most_waiting);
    /// Waits for running jobs at most 300 ms, then leaves a hanging thread to the end of the process; results that are not
    /// in yet are dropped.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Runs `job` on a worker, then the function it returns on the loop. False if the queue is full: nothing happens then.
    using Job = std::function<std::function<void()>()>;
    [[nodiscard]] bool run(Job job);
    /// Calls `then` from the loop, not from inside.
    void post(std::function<void()> then);

private:
    struct State;
    static void work(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
};

}  // namespace aerostat::guest
