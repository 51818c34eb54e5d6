#include "guest-balloon/client/page_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace aerostat::client {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// Whoever else may write here could end us with SIGBUS, or tell us anything.
bool is_trustworthy(const struct stat& info) {
    return S_ISREG(info.st_mode) && info.st_size >= static_cast<off_t>(kConditionPageSize) &&
           (info.st_uid == 0 || info.st_uid == ::geteuid()) && (info.st_mode & 0022U) == 0;
}

}  // namespace

PageSource::~PageSource() {
    for (const Mapping& mapping : mappings_)
        ::munmap(const_cast<ConditionPage*>(mapping.page), kConditionPageSize);  // NOLINT: munmap wants it so
}

void PageSource::look_again(std::uint64_t now_ns) noexcept {
    std::uint64_t due = next_look_ns_.load(std::memory_order_relaxed);
    if (now_ns < due || !next_look_ns_.compare_exchange_strong(due, now_ns + kSecond)) return;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) look();
}

void PageSource::look() noexcept {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    struct stat info {};
    bool is_new = ::fstat(fd, &info) == 0 && is_trustworthy(info) && mappings_.size() < kMostMappings;
    for (const Mapping& known : mappings_) is_new = is_new && !(known.device == info.st_dev && known.inode == info.st_ino);
    if (is_new) {
        void* mapped = ::mmap(nullptr, kConditionPageSize, PROT_READ, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED) {
            try {
                mappings_.push_back(Mapping{static_cast<const ConditionPage*>(mapped), info.st_dev, info.st_ino});
                current_.store(mappings_.back().page, std::memory_order_release);
            } catch (...) {  // no memory: another second
                ::munmap(mapped, kConditionPageSize);
            }
        }
    }
    ::close(fd);
}

std::uint64_t coarse_now_ns() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string runtime_directory(const char* given) {
    constexpr std::size_t kLongest = 4000;
    const char* named = std::getenv("AEROSTAT_RUNTIME_DIR");
    std::string directory = given ? given : named && *named ? named : "/run/aerostat";
    if (directory.size() > kLongest) directory.clear();
    return directory;
}

}  // namespace aerostat::client
