#include "application-balloon/guest/act/huge_page_claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <sstream>
#include <utility>

#include "procfs/file_text.h"

namespace aerostat::balloon::guest {
namespace {

constexpr const char* kAllowed = "nr_overcommit_hugepages";

bool is_still_at(int fd, const std::string& path) {
    struct stat ours {};
    struct stat there {};
    return ::fstat(fd, &ours) == 0 && ::lstat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

Status claim(int fd, const std::string& path) {
    const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK) return tl::unexpected(error_from_errno("locking " + path, errno));
    // Who held it may have removed it just now.
    if (!locked || !is_still_at(fd, path))
        return fail(ErrorCode::busy, "another aerostat-balloon holds memory through " + path + "; stop it first");
    if (::ftruncate(fd, 0) != 0) return tl::unexpected(error_from_errno("emptying " + path, errno));
    return {};
}

}  // namespace

Result<ClaimedFile> ClaimedFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return tl::unexpected(error_from_errno("opening " + path, errno));
    if (const auto claimed = claim(fd, path); !claimed) {
        ::close(fd);
        return tl::unexpected(claimed.error());
    }
    return ClaimedFile(fd, path);
}

ClaimedFile::ClaimedFile(ClaimedFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

ClaimedFile::~ClaimedFile() {
    if (fd_ < 0) return;
    ::unlink(path_.c_str());
    ::close(fd_);
}

SurplusAllowance::SurplusAllowance(std::string pool, std::string kept_file)
    : pool_(std::move(pool)), kept_file_(std::move(kept_file)), note_(read_note()) {}

Result<std::uint64_t> SurplusAllowance::read(const std::string& name) const {
    const auto text = procfs::read_text(pool_ + name, 64);
    if (!text) return tl::unexpected(text.error());
    std::uint64_t value = 0;
    if (std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
        return fail(ErrorCode::io, pool_ + name + " holds no number");
    return value;
}

void SurplusAllowance::allow_one_more() {
    const auto surplus = read("surplus_hugepages");
    const auto allowed = read(kAllowed);
    if (!surplus || !allowed || *allowed > *surplus) return;
    const bool is_ours = note_ && (*allowed == note_->ours || *allowed == note_->before);
    note_ = Note{is_ours ? note_->original : *allowed, *surplus + 1, *allowed};
    write_note();
    write(note_->ours);
}

void SurplusAllowance::put_back() {
    const auto note = std::exchange(note_, std::nullopt);
    if (!note) return;
    const auto allowed = read(kAllowed);
    if (allowed && (*allowed == note->ours || *allowed == note->before)) write(note->original);
    ::unlink(kept_file_.c_str());
}

std::optional<SurplusAllowance::Note> SurplusAllowance::read_note() const {
    const auto text = procfs::read_text(kept_file_, 256);
    if (!text) return std::nullopt;
    std::istringstream words(*text);
    Note note;
    if (!(words >> note.original >> note.ours >> note.before)) return std::nullopt;
    return note;
}

void SurplusAllowance::write_note() const {
    const int fd = ::open(kept_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return;  // then only a crash is not mended
    const std::string text =
        std::to_string(note_->original) + " " + std::to_string(note_->ours) + " " + std::to_string(note_->before) + "\n";
    if (::write(fd, text.data(), text.size()) < 0) ::unlink(kept_file_.c_str());
    ::close(fd);
}

void SurplusAllowance::write(std::uint64_t allowed) const {
    const int fd = ::open((pool_ + kAllowed).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    const std::string text = std::to_string(allowed) + "\n";
    // Refused, there are no surplus pages: taking one then says so.
    if (::write(fd, text.data(), text.size()) < 0) errno = 0;
    ::close(fd);
}

}  // namespace aerostat::balloon::guest
