#include "wire/retry_timer.h"

#include <algorithm>
#include <random>

namespace aerostat::wire {
namespace {

Duration with_jitter(Duration pause) {
    thread_local std::minstd_rand random(std::random_device{}());
    return pause + pause * static_cast<std::int64_t>(random() % 25) / 100;
}

}  // namespace

void RetryTimer::again(std::function<void()> then, Duration at_most) {
    const Duration pause = std::min(pause_, at_most);
    pause_ = std::min(pause * 2, at_most);
    call_after(with_jitter(pause), std::move(then));
}

void RetryTimer::cancel() {
    *round_ = false;
    round_ = std::make_shared<bool>(true);
    timer_.cancel();
}

void RetryTimer::call_after(Duration pause, std::function<void()> then) {
    cancel();
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(pause));
    timer_.async_wait([then = std::move(then), round = round_](asio::error_code error) {
        if (!error && *round) then();
    });
}

}  // namespace aerostat::wire
