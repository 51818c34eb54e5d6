#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "contract/error.h"

namespace aerostat::host::app {

/// Lets members of these groups read a file, or list a directory, of ours; nobody else but its owner may do anything with
/// it. One group is the file's own; more than one need an access control list. Fails: `io`; `unsupported` where the file
/// system has no such lists: then the first group reads it all the same.
[[nodiscard]] Status open_to_readers(int fd, bool is_directory, const std::vector<gid_t>& readers);

}  // namespace aerostat::host::app
