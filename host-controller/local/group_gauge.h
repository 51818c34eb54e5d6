#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "contract/clock.h"
#include "contract/units.h"
#include "host-controller/backend/backend.h"
#include "host-controller/local/process_group.h"

namespace aerostat::host::local {

/// A cgroup's memory by the kernel's books. Absent: no memory controller accounts for it.
[[nodiscard]] std::optional<ContainerBooks> books_of(const std::string& cgroup, const std::string& root = {});

/// Measures groups of processes. The list of all processes is shared by measurements that follow each other closely.
/// Thread: any; measurements may run side by side. Cost: about 20 ms for each 4 GiB that is resident.
class GroupGauge {
public:
    explicit GroupGauge(const Clock& clock) : clock_(clock) {}

    /// Fails: `io` when the processes cannot be listed.
    [[nodiscard]] Result<GuestResidency> measure(const ProcessGroup& group);

private:
    struct Process {
        pid_t pid = 0;
        pid_t session = 0;
    };
    using Processes = std::shared_ptr<const std::vector<Process>>;
    [[nodiscard]] Result<Processes> processes();

    const Clock& clock_;
    std::mutex mutex_;
    Processes listed_;
    TimePoint listed_at_;
};

}  // namespace aerostat::host::local
