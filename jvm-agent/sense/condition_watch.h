#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "contract/clock.h"
#include "contract/condition_access.h"

namespace aerostat::agent {

/// guestd's condition page, for the program's MXBean and recordings. The agent itself acts on nothing in it.
///
/// A page is believed if it is root's or this user's, like a guestd. It is looked for again, every few seconds, while there
/// is none or its state is old. Thread: agent thread.
class ConditionWatch {
public:
    explicit ConditionWatch(std::string runtime_dir) : path_(std::move(runtime_dir) + "/condition") {}
    ~ConditionWatch() { unmap(); }
    ConditionWatch(const ConditionWatch&) = delete;
    ConditionWatch& operator=(const ConditionWatch&) = delete;

    /// Absent: no guestd has published anything here. What is there may be old; its time says so.
    [[nodiscard]] std::optional<ConditionState> look(TimePoint now) {
        auto state = page_ != nullptr ? read_condition(*page_) : std::nullopt;
        const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
        if (state && !is_stale(*state, ns)) return state;
        if (looked_ && now - *looked_ < kLookAgain) return state;
        looked_ = now;
        map();
        return page_ != nullptr ? read_condition(*page_) : std::nullopt;
    }

private:
    static constexpr Duration kLookAgain = std::chrono::seconds(5);

    void map() {
        unmap();
        const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) return;
        struct stat seen {};
        if (::fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode) && seen.st_size >= static_cast<off_t>(kConditionPageSize) &&
            (seen.st_uid == 0 || seen.st_uid == ::geteuid())) {
            void* const mapped = ::mmap(nullptr, kConditionPageSize, PROT_READ, MAP_SHARED, fd, 0);
            if (mapped != MAP_FAILED) page_ = static_cast<const ConditionPage*>(mapped);
        }
        ::close(fd);
    }

    void unmap() {
        if (page_ != nullptr) ::munmap(const_cast<ConditionPage*>(page_), kConditionPageSize);
        page_ = nullptr;
    }

    std::string path_;
    const ConditionPage* page_ = nullptr;
    std::optional<TimePoint> looked_;
};

}  // namespace aerostat::agent
