#include "host-controller/virt/qemu_process.h"

#include <algorithm>

#include "procfs/process.h"

namespace aerostat::host::virt {
namespace {

// By its program file where we may look, else by the name it goes by (which libvirt can set to the domain's).
bool is_called_qemu(const procfs::ProcessStat& stat) {
    if (stat.name.starts_with("qemu")) return true;
    const auto file = procfs::executable_of(stat.pid);
    return file && file->substr(file->rfind('/') + 1).starts_with("qemu");
}

constexpr Duration kGoodFor = std::chrono::seconds(1);

// The UUID behind "-uuid"; empty: there is none.
std::string domain_of(pid_t pid) {
    const auto arguments = procfs::arguments_of(pid);
    if (!arguments) return {};
    const auto option = std::find(arguments->begin(), arguments->end(), "-uuid");
    return option == arguments->end() || option + 1 == arguments->end() ? std::string() : *(option + 1);
}

}  // namespace

Status QemuFinder::look() {
    const auto pids = procfs::list_processes();
    has_looked_ = pids.has_value();
    found_.clear();
    if (!pids) return tl::unexpected(pids.error());
    for (const pid_t pid : *pids) {
        const auto stat = procfs::read_stat(pid);
        if (!stat || stat->state == 'Z' || !is_called_qemu(*stat)) continue;
        if (const std::string domain = domain_of(pid); !domain.empty()) found_[domain].push_back({pid, stat->start_ticks});
    }
    return {};
}

Result<QemuProcess> QemuFinder::find(const std::string& uuid) {
    const SystemClock clock;
    const TimePoint asked_at = clock.now();
    const std::lock_guard lock(mutex_);
    auto known = found_.find(uuid);
    const bool is_fresh = has_looked_ && clock.now() - looked_at_ < kGoodFor && known != found_.end() &&
                          std::all_of(known->second.begin(), known->second.end(), is_alive);
    if (!is_fresh && !(has_looked_ && looked_at_ >= asked_at)) {
        looked_at_ = clock.now();
        if (auto looked = look(); !looked) return while_doing("looking for QEMU processes", looked.error());
        known = found_.find(uuid);
    }
    if (known == found_.end())
        return fail(ErrorCode::not_found, "no QEMU process with -uuid " + uuid + " can be seen from here");
    if (known->second.size() > 1) {
        return fail(ErrorCode::refused, "processes " + std::to_string(known->second[0].pid) + " and " +
                                            std::to_string(known->second[1].pid) +
                                            " both claim to be its QEMU; neither is believed");
    }
    return known->second.front();
}

bool is_alive(const QemuProcess& process) {
    const auto stat = procfs::read_stat(process.pid);
    return stat && stat->state != 'Z' && stat->start_ticks == process.start_ticks;
}

}  // namespace aerostat::host::virt
