#pragma once

#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::host {

/// What the kernel counts of a process all the time, each page in full. A Java heap in a memory file is told apart, by the
/// file's blocks: it may be mapped several times over, or not at all.
struct CountedMemory {
    Bytes anonymous, file, shared;
    std::optional<Bytes> heap_file;
};

/// What a walk of a process's page tables has shown, and the counts at that time.
struct WalkedMemory {
    Bytes rss, pss;  ///< without a heap file
    CountedMemory counted;
    TimePoint at;
};

/// The PSS of a process, heap file included, by what its counts have moved by since the walk, as though that were shared
/// with nobody. Absent where only another walk can tell:
/// - much has moved: what moved may be shared, and this is how wrong that can make the sum;
/// - much was shared: when other sharers come or go the PSS moves and no count does, up to `rss` and far down;
/// - it has found or lost a heap file;
/// - the walk is some time ago: the counts themselves err by what processors hold back, and what is said above adds up.
[[nodiscard]] std::optional<Bytes> pss_since(const WalkedMemory& walked, const CountedMemory& now_counted, TimePoint now);

}  // namespace aerostat::host
