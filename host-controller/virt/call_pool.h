#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>

#include "contract/clock.h"
#include "contract/error.h"

namespace aerostat::host::virt {

struct CallBounds {
    unsigned threads = 4;
    std::size_t waiting = 8;  ///< calls of one key that wait for the one under way
};

/// Runs calls that may be slow, or hang, on a few threads and answers on the loop.
///
/// Calls are ordered by key (a domain, a connection): at most one of a key is under way, further ones wait. Each call is
/// answered once, at the latest at its deadline (`timed_out`); a call that has begun by then goes on and occupies its key
/// until it returns, one that has not begun never will. More waiting calls than the bound: `busy`.
/// Thread: the io_context's; answers are given there, never from inside call(). Signals are blocked in the threads.
class CallPool {
public:
    template <class T>
    using Work = std::function<Result<T>()>;
    template <class T>
    using Answer = std::function<void(Result<T>)>;
    using Action = std::function<void()>;

    explicit CallPool(asio::io_context& loop, CallBounds bounds = {});
    /// Open calls are not answered any more. Waits for those under way, at most a second; a thread that still hangs then is
    /// left behind with what its call owns.
    ~CallPool();
    CallPool(const CallPool&) = delete;
    CallPool& operator=(const CallPool&) = delete;

    /// `work` runs on a thread and owns what it uses; it may outlive the pool.
    template <class T>
    void call(const std::string& key, Duration deadline, Work<T> work, Answer<T> answer) {
        const auto result = std::make_shared<std::optional<Result<T>>>();
        run(
            key, deadline, [result, work = std::move(work)] { result->emplace(work()); },
            [result, answer = std::move(answer)](const Error* why) {
                if (why)
                    answer(tl::unexpected(*why));
                else
                    answer(std::move(**result));
            });
    }
    [[nodiscard]] bool is_busy(const std::string& key) const { return keys_.contains(key); }

    /// Something that runs an action on one of the threads, before everything else, even while the pool is being destroyed:
    /// for letting go of what may hang in doing so. May be called from any thread, and longer than the pool lives (the
    /// action is then never run).
    [[nodiscard]] std::function<void(Action)> disposer() const;

private:
    struct Shared;
    struct Task;
    struct Call;
    struct Key {
        std::shared_ptr<Call> under_way;
        std::deque<std::shared_ptr<Call>> waiting;
    };
    void run(const std::string& key, Duration deadline, Action work, std::function<void(const Error*)> answer);
    void begin(const std::string& key, std::shared_ptr<Call> call);
    void returned(const std::string& key);
    void too_late(const std::string& key, const std::shared_ptr<Call>& call);

    asio::io_context& loop_;
    CallBounds bounds_;
    std::shared_ptr<Shared> shared_;
    std::map<std::string, Key> keys_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::virt
