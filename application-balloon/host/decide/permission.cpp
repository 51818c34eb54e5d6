#include "application-balloon/host/decide/permission.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace aerostat::balloon::host {
namespace {

// A device that is passed through keeps the pages it was shown: it would go on writing to memory the guest no longer has.
bool is_passthrough(const std::string& file) {
    constexpr std::array<std::string_view, 4> kDevices{"/dev/vfio", "/dev/iommu", "/dev/vhost-vdpa", "anon_inode:[vfio"};
    return std::any_of(kDevices.begin(), kDevices.end(),
                       [&file](std::string_view device) { return file.starts_with(device); });
}

}  // namespace

Status may_be_punched(const DomainSight& seen) {
    if (!seen.is_running) return fail(ErrorCode::refused, "the domain does not run");
    if (seen.has_job)
        return fail(ErrorCode::refused, "a job of libvirt's is under way (migration, save, snapshot, backup or dump)");
    if (seen.locks_memory) return fail(ErrorCode::refused, "the domain's memory is locked");
    if (!seen.devices.empty())
        return fail(ErrorCode::refused, "a device reaches the domain's memory past QEMU: " + seen.devices.front());
    const auto device = std::find_if(seen.open_files.begin(), seen.open_files.end(), is_passthrough);
    if (device != seen.open_files.end())
        return fail(ErrorCode::refused, "a device is passed through to the domain: " + *device);
    return {};
}

}  // namespace aerostat::balloon::host
