#include "host-controller/app/history_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "host-controller/app/readers.h"

namespace aerostat::host::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "decisions-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 10;
constexpr std::uint64_t kFilesInLimit = 8;

std::optional<std::uint64_t> number_of(const std::string& name) {
    if (name.size() != kPrefix.size() + kDigits + kSuffix.size() || !name.starts_with(kPrefix) || !name.ends_with(kSuffix))
        return std::nullopt;
    std::uint64_t number = 0;
    const char* const begin = name.data() + kPrefix.size();
    const auto [end, error] = std::from_chars(begin, begin + kDigits, number);
    return error == std::errc() && end == begin + kDigits ? std::optional(number) : std::nullopt;
}

std::string name_of(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    return std::string(kPrefix) + std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits +
           std::string(kSuffix);
}

Bytes size_of(const std::string& path) {
    std::error_code none;
    const auto size = fs::file_size(path, none);
    return none ? Bytes() : Bytes(size);
}

}  // namespace

HistoryWriter::~HistoryWriter() { close(); }

void HistoryWriter::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Status HistoryWriter::append(const std::string& line) {
    const Bytes length(line.size());
    if (length > limit_ / kFilesInLimit)
        return fail(ErrorCode::refused, "a decision of " + format_bytes(length) + " is too long for history_size");
    if (fd_ < 0 || size_ + length > limit_ / kFilesInLimit) {
        if (auto opened = open_next(); !opened) return opened;
    }
    make_room(length);
    auto written = write(line);
    if (!written && errno == ENOSPC && make_room(limit_)) written = write(line);
    if (!written) close();  // what follows goes into a file of its own, behind nothing torn
    return written;
}

Status HistoryWriter::write(const std::string& line) {
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
        size_ += Bytes(line.size());
        return {};
    }
    const int why = written < 0 ? errno : ENOSPC;
    // Readers drop a line without an end, so that a failure here does no harm.
    if (::ftruncate(fd_, static_cast<off_t>(size_.count())) != 0) close();
    errno = why;
    auto failed = tl::unexpected(error_from_errno("writing the history in " + directory_, why));
    errno = why;
    return failed;
}

// A file system that knows one group only is no reason to keep no history.
Status HistoryWriter::let_read(int fd, bool is_directory) {
    auto opened = open_to_readers(fd, is_directory, readers_);
    unreadable_ = opened ? std::string() : opened.error().message;
    if (!opened && opened.error().code == ErrorCode::unsupported) return {};
    return opened;
}

Status HistoryWriter::open_directory() {
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return tl::unexpected(error_from_errno("making " + directory_, errno));
    if (readers_.empty()) return {};
    const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(error_from_errno("opening " + directory_, errno));
    auto opened = let_read(fd, true);
    ::close(fd);
    return opened ? opened : while_doing(directory_, opened.error());
}

Status HistoryWriter::open_next() {
    close();
    if (auto opened = open_directory(); !opened) return opened;
    const auto files = history_files(directory_);
    number_ = files.empty() ? 1 : number_of(fs::path(files.back()).filename()).value_or(0) + 1;
    const std::string path = directory_ + "/" + name_of(number_);
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) return tl::unexpected(error_from_errno("making " + path, errno));
    size_ = Bytes();
    auto opened = let_read(fd_, false);
    return opened ? opened : while_doing(path, opened.error());
}

bool HistoryWriter::make_room(Bytes more) {
    const auto files = history_files(directory_);
    Bytes total = more;
    for (const std::string& file : files) total += size_of(file);
    bool removed = false;
    for (std::size_t i = 0; i + 1 < files.size() && total > limit_; ++i) {  // never the one being written
        total = saturating_sub(total, size_of(files[i]));
        removed = ::unlink(files[i].c_str()) == 0 || removed;
        if (more == limit_ && removed) break;  // the disk is full: one at a time
    }
    return removed;
}

Status point_to_history(const std::string& name, const std::string& directory) {
    if (name == directory) return {};
    std::error_code error;
    const auto kind = fs::symlink_status(name, error).type();
    if (kind == fs::file_type::symlink && fs::read_symlink(name, error) == directory) return {};
    if (kind != fs::file_type::not_found && kind != fs::file_type::symlink)
        return fail(ErrorCode::refused, name + " is in the way of a link to " + directory + ": remove it");
    fs::remove(name, error);
    fs::create_symlink(directory, name, error);
    if (error) return tl::unexpected(error_from_errno("making " + name, error.value()));
    return {};
}

std::vector<std::string> history_files(const std::string& directory) {
    std::vector<std::string> files;
    std::error_code none;
    for (fs::directory_iterator it(directory, none), end; !none && it != end; it.increment(none)) {
        if (number_of(it->path().filename())) files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

Status read_history(const std::string& directory, const std::function<bool(std::string_view)>& line) {
    const auto files = history_files(directory);
    if (files.empty() && ::access(directory.c_str(), R_OK | X_OK) != 0 && errno == EACCES)
        return fail(
            ErrorCode::denied,
            "reading " + directory + " needs the read or the operate role (hostd's read_group, operate_group), or root");
    if (files.empty()) return fail(ErrorCode::not_found, "no history in " + directory + " (name its folder with --dir)");
    for (const std::string& path : files) {
        errno = 0;
        std::ifstream file(path, std::ios::binary);
        if (!file && errno == ENOENT) continue;  // it was the oldest, and has just gone
        if (!file) return tl::unexpected(error_from_errno("reading " + path, errno));
        std::string text;
        while (std::getline(file, text)) {
            if (file.eof()) break;  // torn: no newline behind it
            if (!line(text)) return {};
        }
    }
    return {};
}

}  // namespace aerostat::host::app
