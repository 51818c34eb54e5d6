#include "procfs/file_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace aerostat::procfs {
namespace {

struct OpenFile {
    int fd;
    ~OpenFile() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

Error process_file_error(const std::string& path, int error_number) {
    Error error = error_from_errno("reading " + path, error_number);
    if (error_number == ENOENT || error_number == ESRCH) error.code = ErrorCode::not_found;
    if (error_number == EACCES || error_number == EPERM) error.code = ErrorCode::denied;
    return error;
}

Result<std::string> read_text(const std::string& path, std::size_t limit) {
    const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return tl::unexpected(process_file_error(path, errno));
    std::string text;
    std::array<char, 32 * 1024> buffer{};
    for (;;) {
        const ssize_t got = ::read(file.fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(process_file_error(path, errno));
        if (got == 0) return text;
        if (text.size() + static_cast<std::size_t>(got) > limit)
            return fail(ErrorCode::io, "reading " + path + ": unexpectedly large");
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

bool next_line(std::string_view& text, std::string_view& line) {
    if (text.empty()) return false;
    const std::size_t end = text.find('\n');
    line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return true;
}

bool read_kib_field(std::string_view line, std::string_view key, std::uint64_t& bytes) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') return false;
    line.remove_prefix(key.size() + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    std::uint64_t kib = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), kib);
    if (parsed.ec != std::errc() || kib > (1ULL << 52U)) return false;
    bytes = kib * 1024;
    return true;
}

}  // namespace aerostat::procfs
