#pragma once

#include <string_view>

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
};
[[nodiscard]] Result<MemInfo> read_meminfo();
[[nodiscard]] Result<MemInfo> parse_meminfo(std::string_view text);

/// Averages of /proc/pressure/memory, percent of time.
struct MemoryPressure {
    double some_avg10 = 0;
    double full_avg10 = 0;
};
/// Fails: `unsupported` where the kernel has no PSI.
[[nodiscard]] Result<MemoryPressure> read_memory_pressure();
[[nodiscard]] Result<MemoryPressure> parse_memory_pressure(std::string_view text);

}  // namespace aerostat::procfs
