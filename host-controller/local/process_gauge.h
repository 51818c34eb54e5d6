#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "contract/clock.h"
#include "contract/error.h"
#include "contract/units.h"
#include "host-controller/decide/pss_estimate.h"

namespace aerostat::host::local {

/// Measures the PSS of one process, and remembers what its page tables have shown. Thread: one at a time.
class ProcessGauge {
public:
    explicit ProcessGauge(pid_t pid) : pid_(pid) {}

    /// Anew. Cost: a walk of its page tables, about 20 ms for each 4 GiB. Fails: as procfs::process_memory.
    [[nodiscard]] Result<Bytes> walk(TimePoint now);
    /// By what the kernel counts anyway; absent where that does not tell, or the process has ended. Cost: microseconds.
    [[nodiscard]] std::optional<Bytes> glance(TimePoint now) const;

private:
    [[nodiscard]] std::optional<CountedMemory> count() const;

    pid_t pid_;
    std::string heap_file_;  ///< where the heap's memory file is open; empty: it has none
    std::optional<WalkedMemory> walked_;
};

}  // namespace aerostat::host::local
