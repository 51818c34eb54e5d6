#include "host-controller/local/group_gauge.h"

#include <set>

#include "procfs/memory_cgroup.h"

namespace aerostat::host::local {
namespace {

constexpr Duration kListIsGoodFor = std::chrono::milliseconds(100);
constexpr Duration kListWillDo = std::chrono::seconds(1);  // for a glance: a process that has just come is seen by the next

}  // namespace

std::optional<ContainerBooks> books_of(const std::string& cgroup, const std::string& root) {
    const auto place = procfs::memory_cgroup_named(cgroup, root);
    const auto seen = place ? procfs::read_memory_cgroup(*place) : tl::unexpected(place.error());
    if (!seen) return std::nullopt;
    const Bytes mapped = saturating_sub(seen->mapped_file, seen->shared);
    return ContainerBooks{seen->current, saturating_sub(seen->active_file + seen->inactive_file, mapped)};
}

Result<std::shared_ptr<const GroupGauge::Listing>> GroupGauge::list(bool with_cgroups, Look look) {
    const std::lock_guard lock(mutex_);
    const Duration good_for = look == Look::closely ? kListIsGoodFor : kListWillDo;
    if (listed_ && clock_.now() - listed_->at < good_for && (listed_->with_cgroups || !with_cgroups)) return listed_;
    const auto pids = procfs::list_processes();
    if (!pids) return while_doing("listing processes", pids.error());
    auto listing = std::make_shared<Listing>();
    listing->with_cgroups = with_cgroups;
    for (const pid_t pid : *pids) {
        const auto stat = procfs::read_stat(pid);
        if (!stat || stat->state == 'Z') continue;  // a zombie holds no memory
        listing->processes.push_back(
            {{pid, stat->start_ticks}, stat->session, with_cgroups ? procfs::cgroup_of(pid).value_or("") : std::string()});
    }
    listing->at = clock_.now();
    return listed_ = std::move(listing);
}

GroupGauge::Gauges GroupGauge::take(const std::string& group) {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(group);
    return found == groups_.end() ? Gauges() : std::exchange(found->second, {});
}

void GroupGauge::keep(const std::string& group, Gauges gauges) {
    const std::lock_guard lock(mutex_);
    if (gauges.empty())
        groups_.erase(group);
    else
        groups_[group] = std::move(gauges);
}

void GroupGauge::add(ProcessGauge& gauge, Look look, GuestResidency& sum) {
    if (const auto told = look == Look::glance ? gauge.glance(clock_.now()) : std::nullopt) {
        sum.charged += *told;
        ++sum.processes;
        return;
    }
    ++walks_;
    const auto walked = gauge.walk(clock_.now());
    if (!walked && walked.error().code == ErrorCode::not_found) return;  // it has just ended
    ++sum.processes;
    if (walked)
        sum.charged += *walked;
    else
        ++sum.unreadable;
}

Result<GuestResidency> GroupGauge::measure(const ProcessGroup& group, Look look) {
    const auto all = list(!group.cgroup.empty(), look);
    if (!all) return tl::unexpected(all.error());
    std::set<Identity> members;
    for (const Process& process : (*all)->processes) {
        if (belongs(group, process.session, process.cgroup)) members.insert(process.identity);
    }
    Gauges gauges = take(group.text());
    const auto gone = std::erase_if(gauges, [&](const auto& one) { return !members.contains(one.first); });
    if (gone > 0 || gauges.size() < members.size()) look = Look::closely;
    for (const Identity& member : members) gauges.try_emplace(member, member.first);
    GuestResidency sum;
    for (auto& [identity, gauge] : gauges) add(gauge, look, sum);
    keep(group.text(), std::move(gauges));
    if (!group.cgroup.empty()) sum.container = books_of(group.cgroup);
    return sum;
}

}  // namespace aerostat::host::local
