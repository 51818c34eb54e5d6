#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::guest {

/// The cgroup that is this guest, where it is a container.
struct CgroupSight {
    int version = 2;
    Bytes current;
    std::optional<Bytes> limit;
    std::optional<Bytes> high;
    std::optional<Bytes> swap;  ///< of its memory, in swap now
    std::optional<std::uint64_t> oom_kills;
    std::optional<std::uint64_t> high_events;
};

/// The guest's memory outside any one program, at one moment: of the whole machine, or of the container. Absent: unknown.
struct OsSight {
    Bytes total;      ///< RAM, or the container's limit if that is less
    Bytes machine;    ///< RAM, whatever the container's limit
    Bytes available;  ///< can be taken without swapping, by the kernel's estimate
    Bytes unused;     ///< of it, nobody's
    Bytes active_file;
    Bytes inactive_file;
    Bytes mapped;  ///< of the page cache, mapped by some process
    Bytes anonymous;
    Bytes swap_free;
    std::optional<Duration> stalled;  ///< counters from here on: since boot
    std::optional<double> psi_some_avg10;
    std::optional<double> psi_full_avg10;
    std::optional<std::uint64_t> refaults;  ///< of files, in pages
    std::optional<std::uint64_t> refaults_anon;
    std::optional<std::uint64_t> swapped_out;  ///< in pages
    std::optional<std::uint64_t> stolen;       ///< taken by reclaim, in pages
    std::optional<std::uint64_t> major_faults;
    std::optional<Duration> io_stalled;               ///< of the machine, by any disk
    std::optional<std::uint64_t> read_in;             ///< of the machine, in pages
    std::optional<std::uint64_t> read_from_memory{};  ///< in bytes, by read calls; absent with most looks
    std::optional<Bytes> balloon;                     ///< held by virtio-balloon
    Bytes cache_in_use;                               ///< decide/cache_use.h
    Bytes cache_left_out;  ///< of the page cache, not in `available`: somebody always needs so much
    bool has_virtio_balloon = false;
    std::optional<CgroupSight> cgroup;

    [[nodiscard]] Bytes cache() const { return active_file + inactive_file; }
    /// Of `available`. What is left out of that is in use before anything else is: it counts once.
    [[nodiscard]] Bytes available_in_use() const { return saturating_sub(cache_in_use, cache_left_out); }
};

inline constexpr Bytes kPage{4096};

/// Available memory that the guest keeps: 5 %, 64 MiB at least, unless somebody has set it.
[[nodiscard]] inline Bytes reserve_of(Bytes total, std::optional<Bytes> configured) {
    return configured.value_or(std::max(total / 20, Bytes(64ULL << 20U)));
}

}  // namespace aerostat::guest
