#pragma once

#include <array>
#include <string>
#include <string_view>

namespace aerostat::procfs {

/// A small file of the kernel's, kept open so that it can be read without allocating: its first 8 KiB. Thread: the owner's.
class KeptFile {
public:
    KeptFile() = default;
    ~KeptFile();
    KeptFile(const KeptFile&) = delete;
    KeptFile& operator=(const KeptFile&) = delete;

    void open(const std::string& path);
    /// As it is now; valid until the next call; empty if it cannot be read.
    [[nodiscard]] std::string_view read() noexcept;

private:
    int fd_ = -1;
    std::array<char, 8 * 1024> buffer_{};
};

}  // namespace aerostat::procfs
