#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "contract/error.h"

namespace aerostat::host::virt {

/// The QEMU of one domain, told from a later process of the same pid by its start.
struct QemuProcess {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
    bool operator==(const QemuProcess&) const = default;
};

/// Looks through all processes for the one that was started with "-uuid UUID" by a program called qemu…
/// Blocking: some milliseconds. Thread: any.
/// Fails: `not_found`; `refused` if there are several: any local user can start another, so then none is believed.
[[nodiscard]] Result<QemuProcess> find_qemu(const std::string& uuid);

/// False once it has ended (or is a zombie).
[[nodiscard]] bool is_alive(const QemuProcess& process);

}  // namespace aerostat::host::virt
