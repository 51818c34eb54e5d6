#include "jvm-agent/jvm/instance_mark.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

namespace aerostat::agent {
namespace {

constexpr std::string_view kMark = "aerostat-jvm-agent";

std::string version_in(std::string_view link) {
    const auto colon = link.find(kMark) + kMark.size();
    return std::string(link.substr(colon + 1, link.find(' ', colon) - colon - 1));
}

}  // namespace

Status leave_instance_mark(const std::string& version) {
    const std::string wanted = "/memfd:" + std::string(kMark) + "=";
    std::error_code ignored;
    for (auto it = std::filesystem::directory_iterator("/proc/self/fd", ignored);
         it != std::filesystem::directory_iterator(); it.increment(ignored)) {
        const std::string link = std::filesystem::read_symlink(it->path(), ignored).string();
        if (link.starts_with(wanted))
            return fail(ErrorCode::busy, "an agent (" + version_in(link) + ") is loaded in this JVM already");
        if (ignored) ignored.clear();
    }
    const std::string name = std::string(kMark) + "=" + version;
    if (memfd_create(name.c_str(), MFD_CLOEXEC) < 0)
        return tl::unexpected(error_from_errno("leaving the agent's mark", errno));
    return {};
}

}  // namespace aerostat::agent
