#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/error.h"
#include "contract/units.h"

namespace aerostat::procfs {

/// A memory cgroup as a folder.
struct MemoryCgroup {
    int version = 2;
    std::string directory;  ///< "/sys/fs/cgroup/app"
    std::string top;        ///< where the hierarchy is mounted: limits between there and `directory` hold, too
};

/// What a memory cgroup says. Absent: no limit, or the file is not there.
struct CgroupMemory {
    Bytes current;
    std::optional<Bytes> limit;  ///< the lowest of its own and those above it that can be seen
    std::optional<Bytes> high;   ///< v2: above it the kernel reclaims and slows down
    std::optional<Bytes> swap;   ///< in swap now
    std::optional<Bytes> swap_limit;
    Bytes active_file;
    Bytes inactive_file;
    Bytes anonymous;
    Bytes mapped_file;  ///< of files, mapped by some process
    Bytes shared;       ///< shared memory and what is in file systems in memory; of these some mapped, too
    std::optional<std::uint64_t> refaults_file;  ///< pages
    std::optional<std::uint64_t> refaults_anon;
    std::optional<std::uint64_t> oom_kills;
    std::optional<std::uint64_t> high_events;
};

/// The cgroup that this process is in, if the memory controller accounts for it there (v2 first).
/// Fails: `not_found` (there is none), as read_text().
[[nodiscard]] Result<MemoryCgroup> own_memory_cgroup(const std::string& root = {});
/// The nearest one around this process that accounts memory and can be read (v2 first). None: this process is in the root of
/// each hierarchy that it could be in. Fails: `denied` (it is in one that cannot be seen from here), as read_text().
[[nodiscard]] Result<std::optional<MemoryCgroup>> nearest_memory_cgroup(const std::string& root = {});
/// The one that a process's cgroup (procfs::cgroup_of) names. Fails: `not_found`.
[[nodiscard]] Result<MemoryCgroup> memory_cgroup_named(const std::string& path, const std::string& root = {});
/// The one at a folder that somebody names. Fails: `not_found`.
[[nodiscard]] Result<MemoryCgroup> memory_cgroup_at(const std::string& directory);
[[nodiscard]] Result<CgroupMemory> read_memory_cgroup(const MemoryCgroup& cgroup);

/// From /proc/self/cgroup and /proc/self/mountinfo; `version` 1 or 2. Empty directory: not mounted, or not in it.
[[nodiscard]] MemoryCgroup place_in_hierarchy(std::string_view cgroup, std::string_view mountinfo, int version);
/// memory.stat of either version.
void parse_memory_stat(std::string_view text, int version, CgroupMemory& into);

}  // namespace aerostat::procfs
