#include "jvm-agent/jvm/gc_signals.h"

#include <unistd.h>

#include <bit>
#include <ctime>

namespace aerostat::agent {
namespace {

constexpr std::int64_t kFirstNs = 16'384;
/// A cycle's own pauses are followed by mixed collections, eight by default.
constexpr std::uint32_t kToldAfterCycle = 12;

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::uint64_t bytes_at(std::uintptr_t address) { return *reinterpret_cast<const volatile std::uint64_t*>(address); }

std::size_t bucket_of(std::int64_t ns) {
    if (ns < kFirstNs) return 0;
    const auto value = static_cast<std::uint64_t>(ns);
    const auto octave = std::size_t{std::bit_width(value)} - 1;
    const std::size_t quarter = (value >> (octave - 2)) & 3;
    return (octave - 14) * 4 + quarter + 1;
}

std::int64_t upper_edge_ns(std::size_t bucket) {
    if (bucket == 0) return kFirstNs;
    const std::size_t octave = (bucket - 1) / 4 + 14;
    const auto quarter = static_cast<std::int64_t>((bucket - 1) % 4);
    return (std::int64_t{4} + quarter + 1) << (octave - 2);
}

}  // namespace

void PauseHistogram::add(Duration pause) {
    const std::size_t bucket = bucket_of(pause.count());
    counts_[bucket < kBuckets ? bucket : kBuckets - 1].fetch_add(1, std::memory_order_relaxed);
}

std::optional<Millis> PauseHistogram::p99_since_last() {
    std::array<std::uint32_t, kBuckets> fresh{};
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        const std::uint32_t now = counts_[i].load(std::memory_order_relaxed);
        fresh[i] = now - before_[i];
        total += fresh[i];
        before_[i] = seen_[i];
        seen_[i] = now;
    }
    if (total == 0) return std::nullopt;
    std::uint64_t above = total / 100;  // pauses that may be longer
    for (std::size_t i = kBuckets; i-- > 0;) {
        if (fresh[i] > above) return std::chrono::ceil<Millis>(Duration(upper_edge_ns(i)));
        above -= fresh[i];
    }
    return std::nullopt;
}

void GcSignals::start_of_pause() {
    const std::uintptr_t at = used_address.load(std::memory_order_acquire);
    if (at != 0) {
        const std::uint64_t used = bytes_at(at);
        used_before.store(used, std::memory_order_relaxed);
        if (used > peak_used.load(std::memory_order_relaxed)) peak_used.store(used, std::memory_order_relaxed);
    }
    const std::int64_t now = monotonic_ns();
    started_ns.store(now, std::memory_order_relaxed);
    starts_ns[(finished.load(std::memory_order_relaxed) + 1) % starts_ns.size()].store(now, std::memory_order_relaxed);
}

std::optional<TimePoint> GcSignals::start_of(std::uint64_t number) const {
    const std::uint64_t newest = finished.load(std::memory_order_acquire);
    // One less than there are places: the next pause may be writing its own.
    if (number == 0 || number > newest || newest - number >= starts_ns.size() - 1) return std::nullopt;
    const std::int64_t ns = starts_ns[number % starts_ns.size()].load(std::memory_order_relaxed);
    return ns == 0 ? std::nullopt : std::optional(TimePoint(Duration(ns)));
}

bool GcSignals::was_of_a_cycle() {
    const std::uintptr_t at = cycle_pauses_address.load(std::memory_order_acquire);
    if (at == 0) return false;
    const std::uint64_t now = bytes_at(at);
    return cycle_pauses.exchange(now, std::memory_order_relaxed) != now;
}

void GcSignals::end_of_pause() {
    const std::int64_t began = started_ns.load(std::memory_order_relaxed);
    if (began != 0) {
        const std::int64_t length = monotonic_ns() - began;
        pauses.add(Duration(length));
        stopped_ns.fetch_add(length, std::memory_order_relaxed);
    }
    const bool of_a_cycle = was_of_a_cycle();
    const std::uintptr_t at = used_address.load(std::memory_order_acquire);
    if (at != 0) {
        const std::uint64_t after = bytes_at(at);
        const std::uint64_t before = used_before.load(std::memory_order_relaxed);
        used_after.store(after, std::memory_order_relaxed);
        if (before > after) freed.fetch_add(before - after, std::memory_order_relaxed);
    }
    finished.fetch_add(1, std::memory_order_release);
    const std::uint32_t left = of_a_cycle ? kToldAfterCycle : to_tell.load(std::memory_order_relaxed);
    const bool told = left > 0;
    to_tell.store(told ? left - 1 : 0, std::memory_order_relaxed);
    if (told || wanted.load(std::memory_order_relaxed)) wake();
}

void GcSignals::wake() const {
    const std::uint64_t one = 1;
    if (write(event_fd, &one, sizeof one) < 0) return;  // full: the reader has not read yet, and will
}

}  // namespace aerostat::agent
