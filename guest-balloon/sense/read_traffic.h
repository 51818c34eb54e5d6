#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "procfs/memory_cgroup.h"

namespace aerostat::guest {

/// How much the guest's programs read out of the page cache, by read calls: a sum that only grows. Who reads nothing loses
/// nothing by having it taken. What a process has read goes over to its parent when it ends, and does not count twice.
/// Ourselves we leave out, for we read /proc all the time. Some 10 microseconds for each process. Thread: the loop's.
class ReadTraffic {
public:
    explicit ReadTraffic(std::string root) : root_(std::move(root)) {}
    /// Looks at all processes of the container (absent: of the machine). Absent: not to be known here, for want of rights or
    /// because there are too many.
    [[nodiscard]] std::optional<std::uint64_t> look(const std::optional<procfs::MemoryCgroup>& cgroup);

private:
    static constexpr std::size_t kMost = 1024;
    using Reads = std::map<pid_t, std::uint64_t>;
    [[nodiscard]] std::vector<pid_t> processes(const std::optional<procfs::MemoryCgroup>& cgroup) const;
    [[nodiscard]] std::optional<std::uint64_t> grown(const std::vector<pid_t>& pids, Reads& now) const;
    [[nodiscard]] std::uint64_t ended(Reads& now) const;

    std::string root_;
    std::uint64_t sum_ = 0;
    std::uint64_t handed_on_ = 0;  ///< by processes that ended, and not yet seen with their parents
    bool looked_ = false;
    Reads last_;
};

}  // namespace aerostat::guest
