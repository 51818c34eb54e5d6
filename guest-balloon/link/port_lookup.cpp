#include "guest-balloon/link/port_lookup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "contract/names.h"
#include "procfs/file_text.h"

namespace aerostat::guest {
namespace {

constexpr std::size_t kLongestName = 128;

struct Port {
    std::string entry;  // vport1p1
    std::string name;   // org.aerostat.guest.0
};

// Ports without a name have no "name" file.
Result<std::vector<Port>> named_ports(const std::string& folder) {
    std::error_code error;
    std::vector<Port> ports;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        auto name = procfs::read_text(at->path() / "name", 4096);
        if (!name) continue;
        name->erase(std::find(name->begin(), name->end(), '\n'), name->end());
        ports.push_back({at->path().filename(), *std::move(name)});
    }
    if (error == std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::not_found,
                    "this guest has no virtio-serial device (" + folder +
                        " is missing): the domain needs a <channel>, the guest the module virtio_console");
    }
    if (error) return tl::unexpected(error_from_errno("listing " + folder, error.value()));
    std::sort(ports.begin(), ports.end(), [](const Port& a, const Port& b) { return a.entry < b.entry; });
    return ports;
}

Error explain_open(const std::string& device, int error_number) {
    switch (error_number) {
        case EBUSY:
            return Error{ErrorCode::busy,
                         device + " is held by another process, and a port opens once: does another aerostat-guestd run?"};
        case EACCES:
        case EPERM:
            return Error{ErrorCode::denied, "no right to open " + device + ": run as root, or give the device to our user"};
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return Error{ErrorCode::not_found, device + " is not there"};
        case EISDIR:
            return Error{ErrorCode::bad_value, device + " is no device"};
        default:
            return error_from_errno("opening " + device, error_number);
    }
}

}  // namespace

bool is_port_name(std::string_view text) {
    constexpr std::string_view kNever = "/\"'\\";
    return !text.empty() && text.size() <= kLongestName && text.front() != '.' && text.front() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return c > ' ' && c <= '~' && kNever.find(c) == std::string_view::npos; });
}

bool is_device_path(std::string_view text) {
    return text.size() > 1 && text.front() == '/' && text.back() != '/' && text.find('\0') == std::string_view::npos;
}

Result<std::string> find_port(const std::string& port, const DeviceRoots& roots) {
    if (is_device_path(port)) return port;
    auto ports = named_ports(roots.ports);
    if (!ports) return tl::unexpected(ports.error());
    std::string others;
    for (const Port& known : *ports) {
        if (known.name == port) return roots.devices + "/" + known.entry;
        others += (others.empty() ? "" : ", ") + printable(known.name, 64);
    }
    return fail(ErrorCode::not_found,
                "no virtio-serial port has the name " + port + "; there is " + (others.empty() ? "none" : others));
}

Result<int> open_port(const std::string& port, const DeviceRoots& roots) {
    const auto device = find_port(port, roots);
    if (!device) return tl::unexpected(device.error());
    struct stat info {};
    if (::stat(device->c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
        return fail(ErrorCode::bad_value, *device + " is no device");
    const int fd = ::open(device->c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return tl::unexpected(explain_open(*device, errno));
    return fd;
}

}  // namespace aerostat::guest
