#include "guest-balloon/app/self_protection.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "procfs/file_text.h"

namespace aerostat::guest {
namespace {

constexpr std::size_t kHeapInReserve = 1024UL * 1024;

// CAP_IPC_LOCK, by which RLIMIT_MEMLOCK does not count.
bool may_lock_without_limit() {
    constexpr unsigned kIpcLock = 14;
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
    const auto status = procfs::read_text("/proc/self/status");
    const std::size_t at = status ? status->find("CapEff:\t") : std::string::npos;
    if (at == std::string::npos) return false;
    const std::string_view text = std::string_view(*status).substr(at + std::strlen("CapEff:\t"));
    std::uint64_t capabilities = 0;
    std::from_chars(text.data(), text.data() + text.size(), capabilities, 16);
    return (capabilities >> kIpcLock & 1U) != 0;
}

// First what is there now, all of it: code that was never run would have to be read from disk at the worst moment. Then what
// comes later, as it comes: all at once it would be the whole stacks of our threads.
std::string lock_memory() {
    if (!may_lock_without_limit())
        return "guestd's memory is not locked: needs CAP_IPC_LOCK or RLIMIT_MEMLOCK=infinity (LimitMEMLOCK= in its unit)";
    if (::mlockall(MCL_CURRENT) != 0 || ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        return std::string("guestd's memory is not locked: ") + std::strerror(errno);
    return {};
}

std::string set_oom_score(int wanted, const std::string& root) {
    const std::string path = root + "/proc/self/oom_score_adj";
    const std::string text = std::to_string(wanted);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int number = errno;
    if (fd >= 0) ::close(fd);
    if (written) return {};
    return "guestd is not protected from the OOM killer: oom_score_adj=" + text + " needs CAP_SYS_RESOURCE (" +
           std::strerror(number) + ")";
}

}  // namespace

std::vector<std::string> protect_ourselves(const SelfProtection& wanted, const std::string& root) {
    std::vector<std::string> degraded;
    if (auto trouble = set_oom_score(wanted.oom_score_adj, root); !trouble.empty()) degraded.push_back(std::move(trouble));
    if (!wanted.lock_memory) return degraded;
    if (auto trouble = lock_memory(); !trouble.empty()) degraded.push_back(std::move(trouble));
    // Freed memory stays ours, so that small needs in an hour of want are met without the kernel.
    ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(16 * kHeapInReserve));
    // A mapping of its own would go back to the kernel at once.
    ::mallopt(M_MMAP_THRESHOLD, static_cast<int>(4 * kHeapInReserve));
    const auto reserve = std::make_unique<char[]>(kHeapInReserve);
    volatile char* const touched = reserve.get();
    for (std::size_t at = 0; at < kHeapInReserve; at += 4096) touched[at] = 1;
    return degraded;
}

}  // namespace aerostat::guest
