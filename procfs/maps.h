#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>
#include <vector>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::procfs {

/// A half-open range of addresses in some process.
struct AddressRange {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    [[nodiscard]] Bytes size() const { return Bytes(end > begin ? end - begin : 0); }
    [[nodiscard]] bool contains(std::uintptr_t address) const { return address >= begin && address < end; }
    bool operator==(const AddressRange&) const = default;
};

/// One line of /proc/PID/maps.
struct Mapping {
    AddressRange range;
    bool readable = false;
    bool writable = false;
    bool executable = false;
    bool shared = false;  ///< 's': a shared mapping, such as ZGC's memfd heap
    std::uint64_t inode = 0;
    std::string path;          ///< empty for anonymous memory
    std::uint64_t offset = 0;  ///< into the file
};

/// Fails: `not_found` (no such process), `denied`, `io`.
[[nodiscard]] Result<std::vector<Mapping>> read_maps(pid_t pid);
[[nodiscard]] Result<std::vector<Mapping>> read_own_maps();
[[nodiscard]] Result<std::vector<Mapping>> parse_maps(std::string_view text);

}  // namespace aerostat::procfs
