#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "contract/clock.h"
#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::procfs {

/// The machine's memory (/proc/meminfo).
struct MemInfo {
    Bytes total;
    Bytes free;
    Bytes available;
    Bytes swap_total;
    Bytes swap_free;
    Bytes active_file;         ///< page cache that was used more than once
    Bytes inactive_file;       ///< page cache that reclaim takes first
    Bytes mapped;              ///< files (and shared memory) that some process has mapped
    Bytes hardware_corrupted;  ///< taken out of use after errors in it
    Bytes anonymous;           ///< pages with no file behind them: taken from them, they would go to swap
};
/// `root` stands before /proc, for tests.
[[nodiscard]] Result<MemInfo> read_meminfo(const std::string& root = {});
[[nodiscard]] Result<MemInfo> parse_meminfo(std::string_view text);

/// A pressure file: /proc/pressure/memory, or a cgroup's memory.pressure.
struct MemoryPressure {
    double some_avg10 = 0;  ///< percent of time
    double full_avg10 = 0;
    std::optional<Duration> some_total{};  ///< since boot, in which at least one task waited for memory
    std::optional<Duration> full_total{};  ///< in which all did
};
/// Fails: `unsupported` where the kernel has no PSI.
[[nodiscard]] Result<MemoryPressure> read_memory_pressure(const std::string& root = {});
[[nodiscard]] Result<MemoryPressure> read_memory_pressure_file(const std::string& path);
[[nodiscard]] Result<MemoryPressure> parse_memory_pressure(std::string_view text);

}  // namespace aerostat::procfs
