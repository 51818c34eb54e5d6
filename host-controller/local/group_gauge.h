#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "contract/clock.h"
#include "contract/units.h"
#include "host-controller/backend/backend.h"
#include "host-controller/local/process_gauge.h"
#include "host-controller/local/process_group.h"

namespace aerostat::host::local {

/// A cgroup's memory by the kernel's books. Absent: no memory controller accounts for it.
[[nodiscard]] std::optional<ContainerBooks> books_of(const std::string& cgroup, const std::string& root = {});

/// Measures groups of processes. The list of all processes is shared by measurements that follow each other closely.
///
/// A glance walks the page tables of those processes only whose counts do not tell (pss_since), and of all when one has come
/// or gone: a child that was forked shares all its memory with its parent.
/// Thread: any; measurements of different groups may run side by side. Cost: about 20 ms for each 4 GiB that is walked.
class GroupGauge {
public:
    explicit GroupGauge(const Clock& clock) : clock_(clock) {}

    /// Fails: `io` when the processes cannot be listed.
    [[nodiscard]] Result<GuestResidency> measure(const ProcessGroup& group, Look look);
    /// Of single processes, so far.
    [[nodiscard]] std::uint64_t walks() const { return walks_; }

private:
    using Identity = std::pair<pid_t, std::uint64_t>;  ///< pid and start time
    struct Process {
        Identity identity;
        pid_t session = 0;
        std::string cgroup;
    };
    struct Listing {
        std::vector<Process> processes;
        TimePoint at;
        bool with_cgroups = false;
    };
    using Gauges = std::map<Identity, ProcessGauge>;
    [[nodiscard]] Result<std::shared_ptr<const Listing>> list(bool with_cgroups, Look look);
    [[nodiscard]] Gauges take(const std::string& group);
    void keep(const std::string& group, Gauges gauges);
    void add(ProcessGauge& gauge, Look look, GuestResidency& sum);

    const Clock& clock_;
    std::mutex mutex_;
    std::shared_ptr<const Listing> listed_;
    std::map<std::string, Gauges> groups_;  ///< by ProcessGroup::text()
    std::atomic<std::uint64_t> walks_ = 0;
};

}  // namespace aerostat::host::local
