#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "contract/clock.h"

namespace aerostat::guest {

/// What counts as pressure: so much stalled time within such a window.
struct PressureThreshold {
    Duration stalled = std::chrono::milliseconds(50);
    Duration window = std::chrono::milliseconds(500);
    bool operator==(const PressureThreshold&) const = default;
};

/// Whether the first words of a trigger are true. Where its owner has no CAP_SYS_RESOURCE the kernel begins to count from
/// another counter than the one it goes on with: a machine that has stalled for longer than the threshold since it booted
/// makes such a trigger speak at the next stall, however short (Linux 6.18: after 1 ms, with 1.8 s asked for).
class FirstWord {
public:
    FirstWord() = default;  ///< of a trigger that is right from the start
    FirstWord(Duration threshold, std::optional<Duration> stalled_before) noexcept
        : threshold_(threshold), before_(stalled_before) {}

    /// `stalled_now` is asked (what the file counts) until the first word that is true.
    template <typename StalledNow>
    [[nodiscard]] bool is_true(StalledNow stalled_now) noexcept {
        if (!before_) return true;
        const std::optional<Duration> now = stalled_now();
        if (now && *now - *before_ < threshold_) return false;
        before_.reset();
        return true;
    }

private:
    Duration threshold_{};
    std::optional<Duration> before_;
};

/// Waits for the kernel's word that the guest stalls for want of memory (PSI triggers on /proc/pressure/memory and the
/// container's memory.pressure); between two calls lies a window at least. Where the kernel grants no trigger, it looks at
/// the file's counter whenever poll() is called, and says so.
///
/// Nothing is allocated on the way from the kernel's word to the handler. Thread: the loop's.
class PressureWatch {
public:
    PressureWatch(asio::io_context& loop, std::vector<std::string> files, PressureThreshold threshold,
                  std::function<void()> on_pressure);
    ~PressureWatch();
    PressureWatch(const PressureWatch&) = delete;
    PressureWatch& operator=(const PressureWatch&) = delete;

    /// To be called about once a second: looks where there is no trigger, once a window at most.
    void poll(TimePoint now);
    /// Whether all its files tell of stalls, as of the last look; false of a watch of none.
    [[nodiscard]] bool speaks() const noexcept;
    /// For people; empty while all is as it should be.
    [[nodiscard]] std::vector<std::string> trouble() const;

private:
    struct Source;
    void open(Source& source, const PressureThreshold& threshold);
    void wait(Source& source);
    asio::io_context& loop_;
    PressureThreshold threshold_;
    std::function<void()> on_pressure_;
    std::vector<std::unique_ptr<Source>> sources_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::guest
