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

bool runs_domain(pid_t pid, const std::string& uuid) {
    const auto arguments = procfs::arguments_of(pid);
    if (!arguments) return false;
    const auto pair =
        std::adjacent_find(arguments->begin(), arguments->end(),
                           [&uuid](const auto& option, const auto& value) { return option == "-uuid" && value == uuid; });
    return pair != arguments->end();
}

}  // namespace

Result<QemuProcess> find_qemu(const std::string& uuid) {
    const auto pids = procfs::list_processes();
    if (!pids) return while_doing("looking for QEMU processes", pids.error());
    QemuProcess found;
    for (const pid_t pid : *pids) {
        const auto stat = procfs::read_stat(pid);
        if (!stat || stat->state == 'Z' || !is_called_qemu(*stat) || !runs_domain(pid, uuid)) continue;
        if (found.pid != 0) {
            return fail(ErrorCode::refused, "processes " + std::to_string(found.pid) + " and " + std::to_string(pid) +
                                                " both claim to be its QEMU; neither is believed");
        }
        found = {pid, stat->start_ticks};
    }
    if (found.pid == 0) return fail(ErrorCode::not_found, "no QEMU process with -uuid " + uuid + " can be seen from here");
    return found;
}

bool is_alive(const QemuProcess& process) {
    const auto stat = procfs::read_stat(process.pid);
    return stat && stat->state != 'Z' && stat->start_ticks == process.start_ticks;
}

}  // namespace aerostat::host::virt
