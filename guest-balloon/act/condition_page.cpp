#include "guest-balloon/act/condition_page.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "contract/condition_access.h"

namespace aerostat::guest {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

tl::unexpected<Error> failed(const std::string& action, int number, const char* remedy) {
    Error error = error_from_errno(action, number);
    error.message += remedy;
    return tl::unexpected(std::move(error));
}

Status check_and_allocate(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return tl::unexpected(error_from_errno("looking at " + path, errno));
    if (!S_ISREG(info.st_mode)) return fail(ErrorCode::bad_value, path + " exists and is not a file; move it away");
    // Never shrunk: that would kill whoever has it mapped.
    if (const int number = ::posix_fallocate(fd, 0, static_cast<off_t>(kConditionPageSize)); number != 0)
        return failed("allocating " + path, number, "; make room there, or choose another runtime_dir");
    if (::fchmod(fd, 0644) != 0) return tl::unexpected(error_from_errno("setting the mode of " + path, errno));
    return {};
}

// The magic comes last: a page without it is no page.
void set_up_header(ConditionPage& page) {
    __atomic_store_n(&page.version, kConditionVersion, __ATOMIC_RELAXED);
    __atomic_store_n(&page.size, static_cast<std::uint32_t>(kConditionStateSize), __ATOMIC_RELAXED);
    __atomic_store_n(&page.magic, kConditionMagic, __ATOMIC_RELEASE);
}

void count_and_wake(std::uint32_t& word) noexcept {
    __atomic_add_fetch(&word, 1, __ATOMIC_RELEASE);
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

Result<std::unique_ptr<ConditionPageFile>> ConditionPageFile::open(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
    if (file.get() < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        return fail(ErrorCode::bad_value, path + " exists and is not a file; move it away");
    if (file.get() < 0) return failed("creating " + path, errno, "; may this user write there?");
    if (auto allocated = check_and_allocate(file.get(), path); !allocated) return tl::unexpected(allocated.error());
    void* mapped = ::mmap(nullptr, kConditionPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (mapped == MAP_FAILED) return tl::unexpected(error_from_errno("mapping " + path, errno));
    (void)::mlock(mapped, kConditionPageSize);  // where allowed: writing it must not wait for memory
    auto& page = *static_cast<ConditionPage*>(mapped);
    set_up_header(page);
    return std::unique_ptr<ConditionPageFile>(new ConditionPageFile(page));
}

ConditionPageFile::~ConditionPageFile() { ::munmap(&page_, kConditionPageSize); }

void ConditionPageFile::publish(const ConditionState& state, ConditionNews news) noexcept {
    publish_condition(page_, state);
    last_ = state;
    has_last_ = true;
    if (news == ConditionNews::nothing) return;
    if (news == ConditionNews::level) count_and_wake(page_.level_changes);
    count_and_wake(page_.changes);
}

void ConditionPageFile::say_goodbye(TimePoint now) noexcept {
    if (!has_last_) return;
    last_.validity = static_cast<std::uint32_t>(ConditionValidity::no_daemon);
    last_.updated_ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
    publish(last_, ConditionNews::level);
}

}  // namespace aerostat::guest
