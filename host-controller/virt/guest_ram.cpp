#include "host-controller/virt/guest_ram.h"

#include <algorithm>

#include "procfs/smaps.h"

namespace aerostat::host::virt {
namespace {

// "/memfd:memory-backend-memfd (deleted)", "/var/lib/libvirt/qemu/ram/1-web/pc.ram", "…/ram-node0",
// "/dev/hugepages/libvirt/qemu/1-web/qemu_back_mem.pc.ram.XyZ (deleted)".
bool is_named_ram(std::string_view path) {
    constexpr std::string_view kNames[] = {"memory-backend", "pc.ram", "ram-node"};
    return std::any_of(std::begin(kNames), std::end(kNames),
                       [path](std::string_view name) { return path.find(name) != std::string_view::npos; });
}

// Counts what it says yes to, so that "nothing is resident" and "nothing was found" stay apart.
class RamFinder {
public:
    explicit RamFinder(const RamShape& shape) : shape_(shape) {}
    bool operator()(const procfs::Mapping& mapping) {
        const bool is_ram = is_guest_ram(mapping, shape_);
        found_ += is_ram ? 1 : 0;
        return is_ram;
    }
    [[nodiscard]] Result<Bytes> found_in(const Result<procfs::Residency>& sum) const {
        if (!sum) return tl::unexpected(sum.error());
        if (found_ == 0)
            return fail(ErrorCode::unsupported,
                        "no mapping of its QEMU looks like guest RAM of " + format_bytes(shape_.maximum));
        // Something else of the same size may have been counted too: never more than there is.
        const Bytes resident = sum->rss + sum->hugetlb;
        return shape_.maximum.is_zero() ? resident : std::min(resident, shape_.maximum);
    }

private:
    const RamShape& shape_;
    std::size_t found_ = 0;
};

}  // namespace

bool is_guest_ram(const procfs::Mapping& mapping, const RamShape& shape) {
    if (!mapping.readable || !mapping.writable || mapping.executable) return false;
    if (!mapping.path.empty()) return mapping.path.front() == '/' && is_named_ram(mapping.path);
    const Bytes size = mapping.range.size();
    return mapping.inode == 0 && (size == shape.maximum || std::find(shape.numa_cells.begin(), shape.numa_cells.end(),
                                                                     size) != shape.numa_cells.end());
}

Result<Bytes> guest_ram_in(std::string_view smaps, const RamShape& shape) {
    RamFinder finder(shape);
    return finder.found_in(procfs::sum_smaps(smaps, std::ref(finder)));
}

Result<GuestResidency> GuestRam::measure() {
    // Looked at after the measurement too: the pid may have become another's while that was read.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!process_ || !is_alive(*process_)) {
            const auto found = finder_->find(uuid_);
            if (!found && found.error().code == ErrorCode::not_found && process_) return GuestResidency{};
            if (!found) return tl::unexpected(found.error());
            process_ = *found;
        }
        auto measured = measure_process(*process_);
        if (is_alive(*process_)) return measured;
    }
    return GuestResidency{};
}

Result<GuestResidency> GuestRam::measure_process(const QemuProcess& process) const {
    RamFinder finder(shape_);
    const auto resident = finder.found_in(procfs::residency_of(process.pid, std::ref(finder)));
    if (!resident) return while_doing("measuring process " + std::to_string(process.pid), resident.error());
    return GuestResidency{*resident, 1, 0};
}

}  // namespace aerostat::host::virt
