#pragma once

#include <string>
#include <vector>

#include "contract/error.h"

namespace aerostat::balloon::host {

/// What is seen of a domain before its memory is touched, and once more while its processors stand still.
struct DomainSight {
    bool is_running = false;              ///< its processors run, or would but for us
    bool has_job = false;                 ///< migration, save, snapshot, backup, dump
    bool locks_memory = false;            ///< <memoryBacking><locked/>
    std::vector<std::string> devices;     ///< in its description, that reach its memory past QEMU; for people
    std::vector<std::string> open_files;  ///< what QEMU's descriptors are, as /proc/PID/fd shows them
};

/// Whether memory may be taken from it now. Fails: `refused`, with the reason.
[[nodiscard]] Status may_be_punched(const DomainSight& seen);

}  // namespace aerostat::balloon::host
