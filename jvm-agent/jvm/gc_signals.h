#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "contract/clock.h"

namespace aerostat::agent {

/// Lengths of the program's GC pauses, in buckets a quarter of an octave wide from 16 µs on.
/// Thread: add() from any (GC callbacks), p99_since_last() from one reader.
class PauseHistogram {
public:
    void add(Duration pause);
    /// The 99th percentile of pauses since the call before last; absent if there was none.
    [[nodiscard]] std::optional<Millis> p99_since_last();

private:
    static constexpr std::size_t kBuckets = 96;
    std::array<std::atomic<std::uint32_t>, kBuckets> counts_{};
    std::array<std::uint32_t, kBuckets> seen_{}, before_{};
};

/// What GC callbacks leave behind for the agent thread. Callbacks run inside pauses, on VM threads: they store and, while
/// somebody waits for it, write an eventfd; nothing else.
/// Lives until the process ends (callbacks may come at any time), so it owns its descriptor without ever closing it.
struct GcSignals {
    std::atomic<std::uint64_t> finished{0};
    std::atomic<std::uint64_t> used_after{0};  ///< bytes, as the collector counted at the end of the last pause
    std::atomic<std::uint64_t> used_before{0};
    std::atomic<std::uint64_t> peak_used{0};      ///< the most at the start of a pause since the agent thread last asked
    std::atomic<std::uint64_t> freed{0};          ///< bytes, by all pauses
    std::atomic<std::uintptr_t> used_address{0};  ///< where the collector counts; 0: unknown
    /// Where the pauses of concurrent cycles are counted that collect nothing themselves; 0: there are none. Such a one, and
    /// the collections that come after it, are told to a reader who waits for none.
    std::atomic<std::uintptr_t> cycle_pauses_address{0};
    std::atomic<std::uint64_t> cycle_pauses{0};  ///< at the end of the last pause
    std::atomic<std::uint32_t> to_tell{0};       ///< so many pauses are still told
    std::atomic<std::int64_t> started_ns{0};
    std::atomic<std::int64_t> stopped_ns{0};  ///< length of all pauses
    std::atomic<bool> wanted{false};          ///< write the eventfd at each finish
    std::atomic<bool> closed{false};          ///< the VM has died: nothing may call into it
    PauseHistogram pauses;
    int event_fd = -1;
    std::array<std::atomic<std::int64_t>, 16> starts_ns{};  ///< of the latest pauses, each at its number modulo their count

    /// When pause `number` began, counted from 1, and from the moment this came to life. Absent if that is long ago.
    [[nodiscard]] std::optional<TimePoint> start_of(std::uint64_t number) const;
    [[nodiscard]] Duration stopped() const { return Duration(stopped_ns.load(std::memory_order_relaxed)); }
    void start_of_pause();  ///< pauses do not nest and do not overlap: one writer at a time
    void end_of_pause();
    void wake() const;

private:
    bool was_of_a_cycle();
};

}  // namespace aerostat::agent
