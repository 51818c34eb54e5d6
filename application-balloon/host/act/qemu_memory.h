#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "application-balloon/host/act/punch.h"

namespace aerostat::balloon::host {

/// The QEMU that was started with "-uuid UUID". Fails: `not_found`; `refused` if several claim to be it: any user can start
/// another.
[[nodiscard]] Result<pid_t> find_qemu(const std::string& uuid);

/// What it has mapped. Fails: as procfs::read_maps.
[[nodiscard]] Result<std::vector<HostMapping>> mappings_of(pid_t qemu);
/// What its descriptors are. Fails: `denied`, `not_found`.
[[nodiscard]] Result<std::vector<std::string>> open_files_of(pid_t qemu);

/// Opens the files that the parts lie in, through QEMU's descriptors. Fails: `not_found` (it has none for one of them, or
/// several that differ), `denied`, `io`.
[[nodiscard]] Result<std::unique_ptr<RamFiles>> open_ram(pid_t qemu, const std::vector<FilePart>& parts);

}  // namespace aerostat::balloon::host
