#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "contract/condition_page.h"

namespace aerostat::client {

/// Finds and maps the daemon's page, and its successor where somebody has removed the file. Pages once mapped stay so until
/// the end: a reader may be looking at them. Thread: any.
class PageSource {
public:
    explicit PageSource(std::string path) : path_(std::move(path)) {}
    ~PageSource();
    PageSource(const PageSource&) = delete;
    PageSource& operator=(const PageSource&) = delete;

    /// nullptr: none has been found yet.
    [[nodiscard]] const ConditionPage* page() const noexcept { return current_.load(std::memory_order_acquire); }
    /// Looks at the file, at most once a second; for when there is no page or it has become stale.
    void look_again(std::uint64_t now_ns) noexcept;

private:
    static constexpr std::size_t kMostMappings = 64;
    struct Mapping {
        const ConditionPage* page;
        dev_t device;
        ino_t inode;
    };
    void look() noexcept;

    const std::string path_;
    std::atomic<const ConditionPage*> current_ = nullptr;
    std::atomic<std::uint64_t> next_look_ns_ = 0;
    std::mutex mutex_;
    std::vector<Mapping> mappings_;
};

/// CLOCK_MONOTONIC_COARSE: no system call, and a fifth of the fine clock's cost.
[[nodiscard]] std::uint64_t coarse_now_ns() noexcept;

/// The directory to look in: as given, else $AEROSTAT_RUNTIME_DIR, else /run/aerostat. Empty if it is too long to be one.
[[nodiscard]] std::string runtime_directory(const char* given);

}  // namespace aerostat::client
