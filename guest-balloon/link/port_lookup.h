#pragma once

#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat::guest {

/// Where the kernel shows its virtio-serial ports; other folders in tests.
struct DeviceRoots {
    std::string ports = "/sys/class/virtio-ports";  ///< one folder a port, with its name in "name"
    std::string devices = "/dev";
};

/// 1 to 128 printable characters other than blanks, '/' and quotes, not starting with a dot or a hyphen.
[[nodiscard]] bool is_port_name(std::string_view text);
/// An absolute path that names a file.
[[nodiscard]] bool is_device_path(std::string_view text);

/// The device of a port, by its name; a path stands for itself. No udev is needed. Thread: any.
/// Fails: `not_found` (no such port, or no virtio-serial at all; the message says which), `denied`, `io`.
[[nodiscard]] Result<std::string> find_port(const std::string& port, const DeviceRoots& roots);

/// Opens a port for reading and writing, non-blocking. The caller owns the descriptor. Fails as find_port(), and: `busy`
/// (a port opens once, and somebody holds it), `denied`, `bad_value` (it is a file or a folder).
[[nodiscard]] Result<int> open_port(const std::string& port, const DeviceRoots& roots);

}  // namespace aerostat::guest
