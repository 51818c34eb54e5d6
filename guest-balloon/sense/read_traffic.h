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
/// nothing by having it taken. Ourselves we leave out, for we read /proc all the time. Some 10 microseconds for each
/// process. Thread: the loop's.
class ReadTraffic {
public:
    explicit ReadTraffic(std::string root) : root_(std::move(root)) {}
    /// Looks at all processes of the container (absent: of the machine). Absent: not to be known here, for want of rights or
    /// because there are too many.
    [[nodiscard]] std::optional<std::uint64_t> look(const std::optional<procfs::MemoryCgroup>& cgroup);

private:
    static constexpr std::size_t kMost = 1024;
    [[nodiscard]] std::vector<pid_t> processes(const std::optional<procfs::MemoryCgroup>& cgroup) const;

    std::string root_;
    std::uint64_t sum_ = 0;
    bool looked_ = false;
    std::map<pid_t, std::uint64_t> last_;
};

}  // namespace aerostat::guest
