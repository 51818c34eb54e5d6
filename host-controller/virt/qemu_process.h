#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "contract/clock.h"
#include "contract/error.h"

namespace aerostat::host::virt {

/// The QEMU of one domain, told from a later process of the same pid by its start.
struct QemuProcess {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
    bool operator==(const QemuProcess&) const = default;
};

/// Finds domains' QEMUs: processes that were started with "-uuid UUID" by a program called qemu…
///
/// One look through all processes serves all who ask within a second: 500 domains that are new to us are not 500 looks
/// through the thousands of processes that then run. A domain that the last look has not seen is looked for anew. Blocking:
/// some milliseconds to a second. Thread: any.
class QemuFinder {
public:
    /// Fails: `not_found`; `refused` if there are several: any local user can start another, so then none is believed.
    [[nodiscard]] Result<QemuProcess> find(const std::string& uuid);

private:
    [[nodiscard]] Status look();

    std::mutex mutex_;  ///< whoever comes during a look waits for it
    std::map<std::string, std::vector<QemuProcess>> found_;
    TimePoint looked_at_;  ///< when the last look began
    bool has_looked_ = false;
};

/// False once it has ended (or is a zombie).
[[nodiscard]] bool is_alive(const QemuProcess& process);

}  // namespace aerostat::host::virt
