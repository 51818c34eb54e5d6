#include "guest-balloon/app/pause_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "contract/names.h"
#include "procfs/file_text.h"

namespace aerostat::guest {

PauseSwitch load_pause(const std::string& path) {
    PauseSwitch paused;
    constexpr std::size_t kMostBytes = 16 * 1024;
    auto text = procfs::read_text(path, kMostBytes);
    if (!text) return paused;
    std::string_view rest = *text;
    std::string_view line;
    while (procfs::next_line(rest, line)) {
        if (line == "*")
            paused.everything = true;
        else if (is_valid_name(line) && paused.jvms.size() < PauseSwitch::kMostNames)
            paused.jvms.emplace(line);
    }
    return paused;
}

Status store_pause(const std::string& path, const PauseSwitch& paused) {
    if (!paused.everything && paused.jvms.empty()) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return tl::unexpected(error_from_errno("removing " + path, errno));
        return {};
    }
    std::string text = paused.everything ? "*\n" : "";
    for (const std::string& name : paused.jvms) text += name + "\n";
    const std::string fresh = path + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return tl::unexpected(error_from_errno("creating " + fresh, errno));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int number = errno;
    ::close(fd);
    if (!written) return tl::unexpected(error_from_errno("writing " + fresh, number));
    if (::rename(fresh.c_str(), path.c_str()) != 0) return tl::unexpected(error_from_errno("replacing " + path, errno));
    return {};
}

}  // namespace aerostat::guest
