#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host-controller/backend/backend.h"
#include "host-controller/virt/qemu_process.h"
#include "procfs/maps.h"

namespace aerostat::host::virt {

/// How a guest's RAM looks in the address space of its QEMU.
struct RamShape {
    Bytes maximum;                  ///< zero: not known; then only named mappings are found
    std::vector<Bytes> numa_cells;  ///< empty: one mapping for all of it
};

/// Whether this mapping is guest RAM: shared memory that QEMU or libvirt named so (memfd or a file), or anonymous memory
/// exactly as large as the guest's RAM, or one of its NUMA cells.
[[nodiscard]] bool is_guest_ram(const procfs::Mapping& mapping, const RamShape& shape);

/// From the text of a QEMU's smaps: what of the guest's RAM is resident, hugetlb pages included.
/// Fails: `unsupported` if no mapping looks like guest RAM.
[[nodiscard]] Result<Bytes> guest_ram_in(std::string_view smaps, const RamShape& shape);

/// Measures one domain's guest RAM, not QEMU's own memory: that is charged apart.
/// Thread: any, one at a time. Blocking: a walk of QEMU's page tables.
class GuestRam {
public:
    /// Gauges of many domains share a finder.
    GuestRam(std::string uuid, RamShape shape, std::shared_ptr<QemuFinder> finder = std::make_shared<QemuFinder>())
        : uuid_(std::move(uuid)), shape_(std::move(shape)), finder_(std::move(finder)) {}

    /// No processes: its QEMU was seen before and has ended. Fails: as QemuFinder::find (`not_found`: it was never seen),
    /// guest_ram_in; `denied`, `io`.
    [[nodiscard]] Result<GuestResidency> measure();

private:
    [[nodiscard]] Result<GuestResidency> measure_process(const QemuProcess& process) const;

    std::string uuid_;
    RamShape shape_;
    std::shared_ptr<QemuFinder> finder_;
    std::optional<QemuProcess> process_;  ///< the last one seen, also when it has ended
};

}  // namespace aerostat::host::virt
