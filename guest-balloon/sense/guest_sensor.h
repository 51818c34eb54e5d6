#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/decide/os_sight.h"
#include "guest-balloon/sense/read_traffic.h"
#include "procfs/memory_cgroup.h"

namespace aerostat::guest {

/// One look at the guest's memory.
struct GuestSight {
    GuestMemory memory;
    OsSight os;
    std::vector<std::string> degraded;  ///< sources that could not be read, for people
};

/// Which cgroup is the guest.
struct GuestCgroup {
    /// "auto": our own, if it or one above it has a limit; "none"; or a folder.
    std::string wanted = "auto";
    std::string root;  ///< stands before /proc and /sys, for tests
    bool operator==(const GuestCgroup&) const = default;
};

/// Reads meminfo, pressure, vmstat, the balloon device and the container's cgroup: some 100 microseconds, so on the loop. A
/// source that is missing is absent in the result and named; without meminfo the figures are zero, which no rule takes for
/// room. Thread: the loop's.
class GuestSensor {
public:
    explicit GuestSensor(GuestCgroup where = {});
    [[nodiscard]] GuestSight look();
    /// Absent: this guest is no container.
    [[nodiscard]] const std::optional<procfs::MemoryCgroup>& cgroup() const { return cgroup_; }
    [[nodiscard]] bool has_virtio_balloon() const { return has_virtio_balloon_; }
    /// The files that tell of stalls: the machine's, and the container's, if it has one.
    [[nodiscard]] std::string machine_pressure_file() const { return root_ + "/proc/pressure/memory"; }
    [[nodiscard]] std::vector<std::string> own_pressure_files() const;

private:
    void look_at_counters(GuestSight& sight) const;
    void look_at_reading(GuestSight& sight);
    void look_at_cgroup(GuestSight& sight) const;

    std::string root_;
    std::optional<procfs::MemoryCgroup> cgroup_;
    std::string cgroup_trouble_;
    bool has_virtio_balloon_ = false;
    ReadTraffic traffic_;
    int looks_ = 0;
};

}  // namespace aerostat::guest
