#include "procfs/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace aerostat::procfs {

KeptFile::~KeptFile() {
    if (fd_ >= 0) ::close(fd_);
}

void KeptFile::open(const std::string& path) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

std::string_view KeptFile::read() noexcept {
    const ssize_t got = fd_ < 0 ? 0 : ::pread(fd_, buffer_.data(), buffer_.size(), 0);
    return {buffer_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace aerostat::procfs
