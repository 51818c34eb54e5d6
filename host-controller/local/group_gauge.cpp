#include "host-controller/local/group_gauge.h"

#include "procfs/java_heap_file.h"
#include "procfs/memory_cgroup.h"

namespace aerostat::host::local {
namespace {

constexpr Duration kListIsGoodFor = std::chrono::milliseconds(100);

}  // namespace

std::optional<ContainerBooks> books_of(const std::string& cgroup, const std::string& root) {
    const auto place = procfs::memory_cgroup_named(cgroup, root);
    const auto seen = place ? procfs::read_memory_cgroup(*place) : tl::unexpected(place.error());
    if (!seen) return std::nullopt;
    const Bytes mapped = saturating_sub(seen->mapped_file, seen->shared);
    return ContainerBooks{seen->current, saturating_sub(seen->active_file + seen->inactive_file, mapped)};
}

Result<GroupGauge::Processes> GroupGauge::processes() {
    const std::lock_guard lock(mutex_);
    if (listed_ && clock_.now() - listed_at_ < kListIsGoodFor) return listed_;
    const auto pids = procfs::list_processes();
    if (!pids) return while_doing("listing processes", pids.error());
    std::vector<Process> found;
    for (const pid_t pid : *pids) {
        const auto stat = procfs::read_stat(pid);
        if (stat && stat->state != 'Z') found.push_back({pid, stat->session});  // a zombie holds no memory
    }
    listed_ = std::make_shared<const std::vector<Process>>(std::move(found));
    listed_at_ = clock_.now();
    return listed_;
}

Result<GuestResidency> GroupGauge::measure(const ProcessGroup& group) {
    auto all = processes();
    if (!all) return tl::unexpected(all.error());
    GuestResidency sum;
    for (const Process& process : **all) {
        const std::string cgroup = group.cgroup.empty() ? std::string() : procfs::cgroup_of(process.pid).value_or("");
        if (!belongs(group, process.session, cgroup)) continue;
        const auto residency = procfs::process_memory(process.pid);
        if (!residency && residency.error().code == ErrorCode::not_found) continue;  // it has just ended
        ++sum.processes;
        if (residency)
            sum.charged += residency->pss;
        else
            ++sum.unreadable;
    }
    if (!group.cgroup.empty()) sum.container = books_of(group.cgroup);
    return sum;
}

}  // namespace aerostat::host::local
