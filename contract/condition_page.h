#pragma once

#include <cstddef>
#include <cstdint>

// Layout of the memory-condition page, version 1: what guestd writes and every reader (C, Java, Python) maps read-only.
// Little-endian, naturally aligned, 4096 bytes, allocated in full, same inode for ever. See docs/protocol.md.
//
// Two slots and a sequence. The writer fills the slot that readers do not look at, then publishes it by adding one to
// `sequence`; readers copy slot[sequence & 1] and look at `sequence` again. A writer may die at any instruction: the slot
// that was published last is whole, and its time says how old it is.
namespace aerostat {

inline constexpr std::uint64_t kConditionMagic = 0x4e'4f'43'54'53'4f'52'41ULL;  // "AROSTCON" as bytes
inline constexpr std::uint32_t kConditionVersion = 1;
inline constexpr std::size_t kConditionPageSize = 4096;
inline constexpr std::uint64_t kConditionUnknown = ~0ULL;     ///< a byte count that nobody knows
inline constexpr std::uint32_t kConditionLevelUnknown = ~0U;  ///< a level that nobody knows, or that is not shared
inline constexpr double kConditionFigureUnknown = -1;         ///< a price or a percentage that nobody knows
inline constexpr std::uint64_t kConditionNoDeadline = 0;

enum class ConditionLevel : std::uint32_t { ample = 0, advisory = 1, tight = 2, critical = 3 };
enum class ConditionTrend : std::uint32_t { steady = 0, rising = 1, falling = 2 };  ///< of the available bytes
/// In the page: valid, no_daemon (it has ended in good order) or no_host. `stale` is the reader's own finding.
enum class ConditionValidity : std::uint32_t { valid = 0, no_daemon = 1, stale = 2, no_host = 3 };
enum class ConditionShare : std::uint32_t { none = 0, level = 1, full = 2 };

/// One complete state. Offsets are part of the ABI; new fields go before the checksum of a later version, or behind it with
/// a larger `size` in the header.
struct ConditionState {
    std::uint64_t session;                  // 0   changes when guestd restarts, after migration and resume
    std::uint64_t updated_ns;               // 8   CLOCK_MONOTONIC of the last write
    std::uint64_t stale_after_ns;           // 16  older than this: stale
    std::uint32_t level;                    // 24  ConditionLevel
    std::uint32_t trend;                    // 28  ConditionTrend
    std::uint32_t validity;                 // 32  ConditionValidity
    std::uint32_t host_level;               // 36  ConditionLevel, or kConditionLevelUnknown
    std::uint32_t host_shares;              // 40  ConditionShare
    std::uint32_t padding;                  // 44
    std::uint64_t available_bytes;          // 48
    std::uint64_t suggested_release_bytes;  // 56
    std::uint64_t deadline_ns;              // 64  CLOCK_MONOTONIC; 0: none
    std::uint64_t java_ballooned_bytes;     // 72
    std::uint64_t guest_ballooned_bytes;    // 80
    std::uint64_t guest_target_bytes;       // 88
    std::uint64_t guest_total_bytes;        // 96
    double host_price;                      // 104 CPU seconds per second and GiB; negative: unknown
    double psi_some_avg10;                  // 112 percent; negative: no PSI
    double psi_full_avg10;                  // 120
    std::uint64_t updates;                  // 128 how often this page has been written, this write included
    std::uint64_t checksum;                 // 136 over the words before it; see condition_access.h
};

struct ConditionSlot {
    ConditionState state;  // 0
    std::uint8_t reserved[368];
};

/// The page itself.
struct ConditionPage {
    std::uint64_t magic;          // 0
    std::uint32_t version;        // 8
    std::uint32_t size;           // 12   bytes in use of a slot, checksum included
    std::uint32_t sequence;       // 16   slot[sequence & 1] is the one to read; wraps
    std::uint32_t level_changes;  // 20   futex: level, validity or session has changed; wraps
    std::uint32_t changes;        // 24   futex: that, or any figure by a noticeable amount; wraps
    std::uint8_t reserved[36];    // 28
    ConditionSlot slot[2];        // 64, 576
    std::uint8_t tail[kConditionPageSize - 1088];
};

inline constexpr std::size_t kConditionStateSize = sizeof(ConditionState);

static_assert(sizeof(ConditionPage) == kConditionPageSize);
static_assert(sizeof(ConditionSlot) == 512);
static_assert(offsetof(ConditionPage, sequence) == 16);
static_assert(offsetof(ConditionPage, slot) == 64);
static_assert(offsetof(ConditionState, level) == 24);
static_assert(offsetof(ConditionState, available_bytes) == 48);
static_assert(offsetof(ConditionState, host_price) == 104);
static_assert(offsetof(ConditionState, checksum) == 136);
static_assert(kConditionStateSize == 144);

}  // namespace aerostat
