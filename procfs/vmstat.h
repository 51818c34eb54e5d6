#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::procfs {

/// The kernel's counters of memory at work (/proc/vmstat), in pages since boot. Absent: this kernel does not count it.
struct VmStat {
    std::optional<std::uint64_t> refaults_file;  ///< pages of files that were needed again soon after they were taken
    std::optional<std::uint64_t> refaults_anon;
    std::optional<std::uint64_t> swapped_in;
    std::optional<std::uint64_t> swapped_out;
    std::optional<std::uint64_t> major_faults;
    std::optional<std::uint64_t> stolen;   ///< taken by reclaim, by kswapd and by allocations themselves
    std::optional<std::uint64_t> read_in;  ///< read from block devices
    std::optional<Bytes> balloon;          ///< what a balloon driver holds
};

/// Fails: `bad_value` where nothing of it is there; as read_text().
[[nodiscard]] Result<VmStat> read_vmstat(const std::string& root = {});
[[nodiscard]] Result<VmStat> parse_vmstat(std::string_view text);

/// Whether a virtio balloon device is here (/sys/bus/virtio, device 5).
[[nodiscard]] bool has_virtio_balloon(const std::string& root = {});

}  // namespace aerostat::procfs
