#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat {

using Duration = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

/// Tag of our own monotonic time, so that wall-clock values cannot be mixed in.
struct Monotonic {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<Monotonic>;
    static constexpr bool is_steady = true;
};
using TimePoint = Monotonic::time_point;

/// Port to the time. Deadlines and leases count on it; it never jumps.
/// Thread: any.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual TimePoint now() const = 0;
};

/// CLOCK_MONOTONIC of this machine.
class SystemClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override;
};

/// A clock that tests set by hand.
class ManualClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return now_; }
    void advance(Duration by) { now_ += by; }
    void set(TimePoint to) { now_ = to; }

private:
    TimePoint now_{std::chrono::hours(1)};
};

/// "500ms", "5s", "10m", "1h", "250us"; whole or decimal numbers, no blank inside.
/// Fails: `bad_value` for a bare number, another unit, a sign, an overflow (more than 10 years) or other text.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// For people: "1.50 s", "20 ms", "3 m 05 s".
[[nodiscard]] std::string format_duration(Duration duration);

[[nodiscard]] constexpr Millis to_millis(Duration d) { return std::chrono::duration_cast<Millis>(d); }
[[nodiscard]] constexpr double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace aerostat
