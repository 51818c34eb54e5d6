#pragma once

#include <cstddef>
#include <cstdint>

// Layout of the memory-condition page, version 1: what guestd writes and every reader (C, Java, Python) maps read-only.
// Little-endian, naturally aligned, 4096 bytes, allocated in full, same inode for ever. See docs/protocol.md.
//
// Sequence lock: the writer makes `sequence` odd, writes, makes it even. A reader takes `sequence` (acquire) until it is
// even, copies, and compares. A writer that died in the middle leaves it odd: readers give up after a bounded number of
// tries and report the page as stale.
namespace aerostat {

inline constexpr std::uint64_t kConditionMagic = 0x4e'4f'43'54'53'4f'52'41ULL;  // "AROSTCON" as bytes
inline constexpr std::uint32_t kConditionVersion = 1;
inline constexpr std::size_t kConditionPageSize = 4096;
inline constexpr std::uint64_t kConditionUnknown = ~0ULL;  ///< a byte count that nobody knows

enum class ConditionLevel : std::uint32_t { ample = 0, advisory = 1, tight = 2, critical = 3 };
enum class ConditionTrend : std::uint32_t { steady = 0, rising = 1, falling = 2 };
enum class ConditionValidity : std::uint32_t { valid = 0, no_daemon = 1, stale = 2, no_host = 3 };

/// The page itself. Offsets are part of the ABI; new fields go into `reserved`, behind a larger `size`.
struct ConditionPage {
    std::uint64_t magic;                    // 0
    std::uint32_t version;                  // 8
    std::uint32_t size;                     // 12  bytes in use
    std::uint32_t sequence;                 // 16  sequence lock; also the futex word
    std::uint32_t level;                    // 20  ConditionLevel
    std::uint32_t trend;                    // 24  ConditionTrend
    std::uint32_t validity;                 // 28  ConditionValidity
    std::uint64_t session;                  // 32  changes when guestd restarts, after migration and resume
    std::uint64_t updated_ns;               // 40  CLOCK_MONOTONIC of the last write
    std::uint64_t stale_after_ns;           // 48  older than this: stale
    std::uint64_t available_bytes;          // 56
    std::uint64_t suggested_release_bytes;  // 64
    std::uint64_t deadline_ns;              // 72  CLOCK_MONOTONIC; 0: none
    std::uint64_t java_ballooned_bytes;     // 80
    std::uint64_t guest_ballooned_bytes;    // 88
    std::uint64_t guest_target_bytes;       // 96
    std::uint64_t guest_total_bytes;        // 104
    std::uint32_t host_level;               // 112 ConditionLevel
    std::uint32_t host_shares;              // 116 0 none, 1 level, 2 full
    double host_price;                      // 120 CPU seconds per second and GiB
    double psi_some_avg10;                  // 128 percent; negative: no PSI
    double psi_full_avg10;                  // 136
    std::uint8_t reserved[kConditionPageSize - 144];
};

static_assert(sizeof(ConditionPage) == kConditionPageSize);
static_assert(offsetof(ConditionPage, sequence) == 16);
static_assert(offsetof(ConditionPage, session) == 32);
static_assert(offsetof(ConditionPage, available_bytes) == 56);
static_assert(offsetof(ConditionPage, host_price) == 120);
static_assert(offsetof(ConditionPage, reserved) == 144);

}  // namespace aerostat
