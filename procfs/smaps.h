#pragma once

#include <sys/types.h>

#include <functional>
#include <string_view>

#include "contract/error.h"
#include "contract/units.h"
#include "procfs/maps.h"

namespace aerostat::procfs {

/// What the kernel says is in memory of some mappings.
struct Residency {
    Bytes rss;
    Bytes pss;  ///< shared pages divided by their sharers: adds up over processes
    Bytes swap;
    Bytes locked;
    Bytes kernel_page_size;  ///< the largest among the mappings; 2 MiB or more means hugetlb
    Bytes anon_huge_pages;   ///< part of rss in transparent huge pages
    Bytes hugetlb{};         ///< in hugetlb pages; not part of rss
    bool operator==(const Residency&) const = default;
};

/// /proc/PID/smaps_rollup: the whole process. Cost: a walk of its page tables (about 20 ms for 4 GiB).
/// Fails: `not_found`, `denied` (another user's process), `io`.
[[nodiscard]] Result<Residency> process_residency(pid_t pid);

/// The sum over the caller's own mappings inside `range` (mappings that stick out count in full: ask for whole mappings,
/// such as a heap's reservation). Reads /proc/self/smaps only up to the end of the range, and again when mappings joined
/// meanwhile: the kernel would show their pages twice.
[[nodiscard]] Result<Residency> own_residency(AddressRange range);

/// The sum over the mappings of a process that `wanted` says yes to; it is asked once for each, in order of address.
/// Cost: a walk of all its page tables. Fails: `not_found`, `denied` (another user's process), `io`.
using WantsMapping = std::function<bool(const Mapping&)>;
[[nodiscard]] Result<Residency> residency_of(pid_t pid, const WantsMapping& wanted);

/// The same from text, for tests and fuzzing. Fails: `bad_value` when mappings overlap.
[[nodiscard]] Result<Residency> sum_smaps(std::string_view text, AddressRange range);
[[nodiscard]] Result<Residency> sum_smaps(std::string_view text, const WantsMapping& wanted);

}  // namespace aerostat::procfs
