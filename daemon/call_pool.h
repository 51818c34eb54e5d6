#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/clock.h"
#include "contract/error.h"

namespace aerostat::daemon {

struct CallBounds {
    unsigned threads = 4;
    unsigned stuck = 64;  ///< so many threads beyond these take the place of those whose calls do not return
    Duration stuck_after = std::chrono::milliseconds(500);
    std::size_t waiting = 8;  ///< calls of one key that wait for the one under way
};

/// Runs calls that may be slow, or hang, on a few threads and answers on the loop.
///
/// A call that has been under way for `stuck_after` no longer counts as one of the threads: another takes its place until
/// it returns, so that who hangs holds up nobody else. stuck() says when even those are used up.
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
    /// No call is under way, also none that was answered at its deadline.
    [[nodiscard]] bool is_idle() const { return keys_.empty(); }

    /// Calls that do not return, and whether all threads that may take their place are in use: others wait then.
    struct Stuck {
        std::size_t calls = 0;
        bool at_limit = false;
    };
    [[nodiscard]] Stuck stuck() const;

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
    void review();
    void review_soon();
    void too_late(const std::string& key, const std::shared_ptr<Call>& call);

    asio::io_context& loop_;
    CallBounds bounds_;
    std::shared_ptr<Shared> shared_;
    std::map<std::string, Key> keys_;
    asio::steady_timer review_timer_;
    bool reviewing_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::daemon
