#pragma once

#include <fcntl.h>
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
/// is none or its state is old. Read, not mapped: should anybody cut a mapped file short, looking would end the JVM.
/// Thread: agent thread.
class ConditionWatch {
public:
    explicit ConditionWatch(std::string runtime_dir) : path_(std::move(runtime_dir) + "/condition") {}
    ~ConditionWatch() { close_page(); }
    ConditionWatch(const ConditionWatch&) = delete;
    ConditionWatch& operator=(const ConditionWatch&) = delete;

    /// Absent: no guestd has published anything here. What is there may be old; its time says so.
    [[nodiscard]] std::optional<ConditionState> look(TimePoint now) {
        auto state = read_page();
        const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
        if (state && !is_stale(*state, ns)) return state;
        if (looked_ && now - *looked_ < kLookAgain) return state;
        looked_ = now;
        open_page();
        return read_page();
    }

private:
    static constexpr Duration kLookAgain = std::chrono::seconds(5);
    static constexpr int kTries = 3;

    // A copy that was made while guestd wrote is told by its checksum.
    [[nodiscard]] std::optional<ConditionState> read_page() const {
        for (int i = 0; fd_ >= 0 && i < kTries; ++i) {
            ConditionPage page{};
            if (::pread(fd_, &page, sizeof page, 0) != static_cast<ssize_t>(sizeof page)) break;
            if (auto state = read_condition(page)) return state;
        }
        return std::nullopt;
    }

    void open_page() {
        close_page();
        fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat seen {};
        const bool believed = fd_ >= 0 && ::fstat(fd_, &seen) == 0 && S_ISREG(seen.st_mode) &&
                              (seen.st_uid == 0 || seen.st_uid == ::geteuid());
        if (!believed) close_page();
    }

    void close_page() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    std::string path_;
    int fd_ = -1;
    std::optional<TimePoint> looked_;
};

}  // namespace aerostat::agent
