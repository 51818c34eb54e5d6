#pragma once

#include <array>
#include <cstring>
#include <optional>

#include "contract/condition_page.h"

// How the page is written and read while others do the same: the one implementation, for the daemon, the C library and
// tests. All shared words are accessed by the compilers' atomics on plain integers: the page may be mapped read-only, and
// any bytes may stand in it. Nothing here allocates or calls the system.
namespace aerostat {

using ConditionWords = std::array<std::uint64_t, kConditionStateSize / sizeof(std::uint64_t)>;

/// Over all words of a state but the last, which holds it. For readers that have no barriers (Python), and for tests.
[[nodiscard]] constexpr std::uint64_t condition_checksum(const ConditionWords& words) {
    std::uint64_t sum = kConditionMagic;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) sum = ((sum << 7U) | (sum >> 57U)) ^ words[i];
    return sum;
}

/// One writer. Publishes a state; its `updates` and `checksum` are filled in here. The header must have been set up.
inline void publish_condition(ConditionPage& page, const ConditionState& state) {
    ConditionWords words{};
    std::memcpy(words.data(), &state, kConditionStateSize);
    const std::uint32_t before = __atomic_load_n(&page.sequence, __ATOMIC_RELAXED);
    const auto* last = reinterpret_cast<const std::uint64_t*>(&page.slot[before & 1U]);
    words[words.size() - 2] = __atomic_load_n(&last[words.size() - 2], __ATOMIC_RELAXED) + 1;
    words.back() = condition_checksum(words);
    auto* into = reinterpret_cast<std::uint64_t*>(&page.slot[(before + 1) & 1U]);
    // Whoever sees one of the stores below also sees the sequence that was published before it, and reads again.
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (std::size_t i = 0; i < words.size(); ++i) __atomic_store_n(&into[i], words[i], __ATOMIC_RELAXED);
    __atomic_store_n(&page.sequence, before + 1, __ATOMIC_RELEASE);
}

/// Copies the words of the state published last, whole. False if the page is none of this version, nothing has been
/// published, or a writer published again during each of the tries (noise, not a guestd). Does not look at the checksum:
/// with these barriers there is no mixture to find.
[[nodiscard]] inline bool read_condition_words(const ConditionPage& page, ConditionWords& words) {
    constexpr int kTries = 8;
    if (__atomic_load_n(&page.magic, __ATOMIC_RELAXED) != kConditionMagic) return false;
    if (__atomic_load_n(&page.version, __ATOMIC_RELAXED) != kConditionVersion) return false;
    if (__atomic_load_n(&page.size, __ATOMIC_RELAXED) < kConditionStateSize) return false;
    for (int i = 0; i < kTries; ++i) {
        const std::uint32_t sequence = __atomic_load_n(&page.sequence, __ATOMIC_ACQUIRE);
        const auto* from = reinterpret_cast<const std::uint64_t*>(&page.slot[sequence & 1U]);
#if !defined(__clang__)
#pragma GCC unroll 18
#endif
        for (std::size_t k = 0; k < words.size(); ++k) words[k] = __atomic_load_n(&from[k], __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&page.sequence, __ATOMIC_RELAXED) == sequence) return words[words.size() - 2] != 0;
    }
    return false;
}

/// The same as a struct, and only if its checksum is right. The caller judges its age.
[[nodiscard]] inline std::optional<ConditionState> read_condition(const ConditionPage& page) {
    ConditionWords words{};
    if (!read_condition_words(page, words) || words.back() != condition_checksum(words)) return std::nullopt;
    ConditionState state{};
    std::memcpy(&state, words.data(), kConditionStateSize);
    return state;
}

/// Whether a state of that time is too old at this time of CLOCK_MONOTONIC (the coarse one will do). One written in the
/// future is from before a reboot.
[[nodiscard]] constexpr bool is_stale(std::uint64_t updated_ns, std::uint64_t stale_after_ns, std::uint64_t now_ns) {
    constexpr std::uint64_t kClockError = 1'000'000'000;
    if (updated_ns > now_ns) return updated_ns - now_ns > kClockError;
    return now_ns - updated_ns > stale_after_ns;
}
[[nodiscard]] constexpr bool is_stale(const ConditionState& state, std::uint64_t now_ns) {
    return is_stale(state.updated_ns, state.stale_after_ns, now_ns);
}

}  // namespace aerostat
