#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "contract/error.h"

namespace aerostat::balloon::guest {

/// The file that huge pages are taken through, for one process at a time. What a process that died has left in it goes back
/// to the guest when it is opened; at the end the file goes.
class ClaimedFile {
public:
    /// Fails: `busy` (another process holds it; nothing of it was touched), `denied`, `io`.
    [[nodiscard]] static Result<ClaimedFile> open(const std::string& path);
    ~ClaimedFile();
    ClaimedFile(ClaimedFile&& other) noexcept;
    ClaimedFile& operator=(ClaimedFile&&) = delete;

    [[nodiscard]] int fd() const { return fd_; }

private:
    ClaimedFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

    int fd_;  ///< -1: moved from
    std::string path_;
};

/// How many huge pages the kernel may make of ordinary memory. Raised by one where a page is wanted. The file remembers
/// what was allowed before: a process that died leaves what it needed behind, and its successor puts back what was before
/// it.
class SurplusAllowance {
public:
    /// `pool`: the kernel's folder of huge pages of one size, with a slash at its end.
    SurplusAllowance(std::string pool, std::string kept_file);
    void allow_one_more();
    /// What others have set meanwhile stays.
    void put_back();

    [[nodiscard]] Result<std::uint64_t> read(const std::string& name) const;

private:
    struct Note {
        std::uint64_t original = 0;
        std::uint64_t ours = 0;
        std::uint64_t before = 0;  ///< what stands if `ours` did not come about
    };
    [[nodiscard]] std::optional<Note> read_note() const;
    void write_note() const;
    void write(std::uint64_t allowed) const;

    std::string pool_;
    std::string kept_file_;
    std::optional<Note> note_;  ///< while what stands may be ours
};

}  // namespace aerostat::balloon::guest
