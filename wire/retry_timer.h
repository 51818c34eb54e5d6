#pragma once

#include <functional>
#include <memory>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/clock.h"

namespace aerostat::wire {

struct Backoff {
    Duration first = std::chrono::milliseconds(100);
    Duration longest = std::chrono::seconds(5);
};

/// Calls again after a growing pause (doubling, plus up to 25 % jitter). Thread: the io_context's.
class RetryTimer {
public:
    RetryTimer(asio::io_context& loop, Backoff backoff) : timer_(loop), backoff_(backoff), pause_(backoff.first) {}
    ~RetryTimer() { cancel(); }
    RetryTimer(const RetryTimer&) = delete;
    RetryTimer& operator=(const RetryTimer&) = delete;

    /// Calls after the next pause, which is `at_most` that long; a call still outstanding is dropped.
    void again(std::function<void()> then) { again(std::move(then), backoff_.longest); }
    void again(std::function<void()> then, Duration at_most);
    /// Calls from the loop, without a pause.
    void now(std::function<void()> then) { call_after(Duration{}, std::move(then)); }
    /// The next pause is the first one again.
    void reset() { pause_ = backoff_.first; }
    /// Nothing is called any more, not even what is on its way already.
    void cancel();

private:
    void call_after(Duration pause, std::function<void()> then);

    asio::steady_timer timer_;
    Backoff backoff_;
    Duration pause_;
    std::shared_ptr<bool> round_ = std::make_shared<bool>(true);  ///< false once it was cancelled or set again
};

}  // namespace aerostat::wire
