#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "cli/doctor.h"

namespace aerostat::cli {
namespace {

constexpr const char* kOk = "ok";
constexpr const char* kAdvice = "advice";
constexpr const char* kBad = "bad";

std::string text_of(const std::string& path) {
    constexpr std::size_t kMost = 65536;
    std::ifstream file(path);
    std::string text(kMost, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

Finding pressure(const std::string& root) {
    if (text_of(root + "/proc/pressure/memory").starts_with("some"))
        return {"memory pressure", {}, kOk, "the kernel measures it (PSI)", {}};
    return {"memory pressure", {}, kAdvice, "this kernel does not measure it (PSI)", "boot with psi=1"};
}

Finding control_groups(const std::string& root) {
    if (text_of(root + "/sys/fs/cgroup/cgroup.controllers").find("memory") != std::string::npos)
        return {"control groups", {}, kOk, "version 2, with memory", {}};
    if (::access((root + "/sys/fs/cgroup/memory").c_str(), F_OK) == 0)
        return {"control groups",
                {},
                kAdvice,
                "version 1: containers are moved by their limit, without memory.reclaim",
                "boot with systemd.unified_cgroup_hierarchy=1"};
    return {"control groups",
            {},
            kAdvice,
            "none with memory: only virtual machines and plain processes can be guests",
            "mount cgroup2 at /sys/fs/cgroup"};
}

Finding swap(const std::string& root) {
    std::istringstream lines(text_of(root + "/proc/meminfo"));
    std::uint64_t total = 0;
    std::uint64_t free = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key;
        std::uint64_t kib = 0;
        words >> key >> kib;
        if (key == "SwapTotal:") total = kib;
        if (key == "SwapFree:") free = kib;
    }
    if (total == 0) return {"swap", {}, kOk, "none: nothing is moved by swapping", {}};
    const std::uint64_t used = total > free ? total - free : 0;
    if (used * 10 > total)
        return {"swap",
                {},
                kAdvice,
                format_bytes(Bytes(used << 10U)) + " in use: something was short of memory",
                "a smaller `memory`, or a larger `emergency_reserve`"};
    return {"swap", {}, kOk, format_bytes(Bytes(total << 10U)) + ", hardly used", {}};
}

Finding socket_rights(const std::string& path) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0)
        return {"control socket", {}, kBad, path + " is not there", "start the daemon, or name its socket with --socket"};
    if (!S_ISSOCK(seen.st_mode))
        return {"control socket", {}, kBad, path + " is no socket", "name the right one with --socket"};
    // By design where the groups that read and that operate differ: a socket has one group only.
    if ((seen.st_mode & S_IRWXO) != 0)
        return {"control socket", {}, kOk, path + ": everybody may knock, the daemon answers root and its groups only", {}};
    return {"control socket", {}, kOk, path + ": root and its groups only", {}};
}

Finding config_rights(const std::string& path) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0)
        return {"configuration", {}, kAdvice, path + " is not there", "name the daemon's with --config"};
    if ((seen.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return {"configuration", {}, kBad, path + " can be written by others than its owner", "chmod go-w " + path};
    if (seen.st_uid != 0 && seen.st_uid != ::geteuid())
        return {"configuration", {}, kBad, path + " belongs to neither root nor you", "chown root " + path};
    return {"configuration", {}, kOk, path + ": only its owner may write", {}};
}

}  // namespace

std::vector<Finding> examine_machine(const std::string& socket, const std::string& config, const std::string& root) {
    return {pressure(root), control_groups(root), swap(root), socket_rights(socket), config_rights(config)};
}

}  // namespace aerostat::cli
