#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "application-balloon/contract/frames.h"

// Where a guest's frames lie in the files behind its RAM: read from QEMU's own memory map, never assumed. Above the hole for
// devices an offset is smaller than the address. Pure, and total over any text.
namespace aerostat::balloon::host {

/// RAM as processors and devices of the guest see it, in bytes.
struct RamRange {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    bool operator==(const RamRange&) const = default;
};

/// The RAM in "info mtree -f": that of the address space "memory", ascending; what is smaller than a piece is left out.
/// Fails: `bad_value` (not such a text, or too long, or ranges that overlap).
[[nodiscard]] Result<std::vector<RamRange>> parse_flat_view(std::string_view text);
/// The address in QEMU's answer to "gpa2hva". Fails: `bad_value`.
[[nodiscard]] Result<std::uint64_t> parse_host_address(std::string_view text);

/// A line of /proc/PID/maps, as far as it matters here.
struct HostMapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    bool is_shared_memfd = false;
};

/// A part of the guest's RAM and where in which file it lies.
struct FilePart {
    RamRange guest;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    bool operator==(const FilePart&) const = default;
};
/// `first` and `last`: where QEMU says it has the first and the last byte of the range.
/// Fails: `unsupported` (not a shared memfd: other memory cannot be taken), `bad_value` (the answers do not fit each other).
[[nodiscard]] Result<FilePart> part_behind(const RamRange& range, std::uint64_t first, std::uint64_t last,
                                           const std::vector<HostMapping>& mappings);

struct Place {
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    bool operator==(const Place&) const = default;
};
/// Where a frame lies; absent if it is not wholly inside one part, or not whole in the file.
[[nodiscard]] std::optional<Place> place_of(Frame frame, const std::vector<FilePart>& parts);

}  // namespace aerostat::balloon::host
