#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

#include "application-balloon/guest/act/piece_source.h"
#include "application-balloon/guest/decide/holding.h"
#include "procfs/file_text.h"

namespace aerostat::balloon::guest {
namespace {

// Those of the default size: 2 MiB on x86.
constexpr const char* kPool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
constexpr const char* kFileName = "/aerostat-balloon";

Result<std::uint64_t> read_pool(const std::string& name) {
    const auto text = procfs::read_text(kPool + name, 64);
    if (!text) return tl::unexpected(text.error());
    std::uint64_t value = 0;
    if (std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
        return fail(ErrorCode::io, kPool + name + " holds no number");
    return value;
}

void write_pool(const std::string& name, std::uint64_t value) {
    const int fd = ::open((kPool + name).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    const std::string text = std::to_string(value);
    // Refused, there are no surplus pages: taking one then says so.
    if (::write(fd, text.data(), text.size()) < 0) errno = 0;
    ::close(fd);
}

class HugePageSource final : public PieceSource {
public:
    HugePageSource(int fd, std::string path, std::uint64_t allowed_before)
        : fd_(fd), path_(std::move(path)), allowed_before_(allowed_before) {}
    ~HugePageSource() override {
        give_all_back();
        ::unlink(path_.c_str());
        ::close(fd_);
    }
    HugePageSource(const HugePageSource&) = delete;
    HugePageSource& operator=(const HugePageSource&) = delete;

    [[nodiscard]] std::string name() const override { return "huge-pages"; }

    Result<Piece> take() override {
        allow_one_more();
        const auto free = std::find(slots_.begin(), slots_.end(), nullptr);
        const auto slot = static_cast<std::uint32_t>(free - slots_.begin());
        if (free == slots_.end()) slots_.push_back(nullptr);
        // Asked of the file first: a page that is missing when it is touched would be a SIGBUS.
        if (::fallocate(fd_, 0, place(slot), length()) != 0) {
            return errno == ENOMEM || errno == ENOSPC
                       ? fail(ErrorCode::busy, "no whole frame of memory is free in the guest")
                       : tl::unexpected(error_from_errno("taking a huge page", errno));
        }
        void* const at =
            ::mmap(nullptr, kPiece.count(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, place(slot));
        if (at == MAP_FAILED) {
            const int number = errno;
            drop(slot);
            return tl::unexpected(error_from_errno("mapping a huge page", number));
        }
        slots_[slot] = at;
        const std::span memory(static_cast<std::byte*>(at), kPiece.count());
        const auto frame = frame_behind(memory);
        if (!frame) {
            give_back(slot);
            return tl::unexpected(frame.error());
        }
        return Piece{slot, memory, *frame};
    }

    void give_back(std::uint32_t slot) override {
        if (slot >= slots_.size() || slots_[slot] == nullptr) return;
        ::munmap(slots_[slot], kPiece.count());
        slots_[slot] = nullptr;
        drop(slot);
    }

    void give_all_back() override {
        for (void* at : slots_) {
            if (at != nullptr) ::munmap(at, kPiece.count());
        }
        slots_.clear();
        // Not of this file, the kernel would have to be asked for each page.
        if (::ftruncate(fd_, 0) != 0) errno = 0;
        write_pool("nr_overcommit_hugepages", allowed_before_);
    }

private:
    static off_t length() { return static_cast<off_t>(kPiece.count()); }
    static off_t place(std::uint32_t slot) { return static_cast<off_t>(slot) * length(); }
    void drop(std::uint32_t slot) const {
        // Fails only if there is nothing.
        if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place(slot), length()) != 0) errno = 0;
    }
    static void allow_one_more() {
        const auto surplus = read_pool("surplus_hugepages");
        const auto allowed = read_pool("nr_overcommit_hugepages");
        if (surplus && allowed && *allowed <= *surplus) write_pool("nr_overcommit_hugepages", *surplus + 1);
    }

    int fd_;
    std::string path_;
    std::uint64_t allowed_before_;
    std::vector<void*> slots_;
};

}  // namespace

Result<std::unique_ptr<PieceSource>> huge_page_source(const std::string& hugetlbfs) {
    struct statfs system {};
    if (::statfs(hugetlbfs.c_str(), &system) != 0 || system.f_type != HUGETLBFS_MAGIC ||
        system.f_bsize != static_cast<__fsword_t>(kPiece.count()))
        return fail(ErrorCode::not_found, hugetlbfs + " is no hugetlbfs with pages of 2 MiB");
    const std::string path = hugetlbfs + kFileName;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return tl::unexpected(error_from_errno("opening " + path, errno));
    const auto total = read_pool("nr_hugepages");
    const auto surplus = read_pool("surplus_hugepages");
    const auto allowed = read_pool("nr_overcommit_hugepages");
    auto source = std::make_unique<HugePageSource>(fd, path, allowed.value_or(0));
    if (!total || !surplus || !allowed) return fail(ErrorCode::not_found, "the kernel does not tell of its huge pages");
    if (!is_free_for_balloons({*total, *surplus}))
        return fail(ErrorCode::refused, "the kernel keeps huge pages for somebody else (vm.nr_hugepages)");
    return source;
}

}  // namespace aerostat::balloon::guest
