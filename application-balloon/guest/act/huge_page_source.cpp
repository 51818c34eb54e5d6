#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "application-balloon/guest/act/huge_page_claim.h"
#include "application-balloon/guest/act/piece_source.h"
#include "application-balloon/guest/decide/holding.h"

namespace aerostat::balloon::guest {
namespace {

// Those of the default size: 2 MiB on x86.
constexpr const char* kPool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
constexpr const char* kFileName = "/aerostat-balloon";

class HugePageSource final : public PieceSource {
public:
    HugePageSource(ClaimedFile file, SurplusAllowance allowance)
        : file_(std::move(file)), allowance_(std::move(allowance)) {}
    ~HugePageSource() override { give_all_back(); }
    HugePageSource(const HugePageSource&) = delete;
    HugePageSource& operator=(const HugePageSource&) = delete;

    [[nodiscard]] std::string name() const override { return "huge-pages"; }

    Result<Piece> take() override {
        allowance_.allow_one_more();
        const auto free = std::find(slots_.begin(), slots_.end(), nullptr);
        const auto slot = static_cast<std::uint32_t>(free - slots_.begin());
        if (free == slots_.end()) slots_.push_back(nullptr);
        // Asked of the file first: a page that is missing when it is touched would be a SIGBUS.
        if (::fallocate(file_.fd(), 0, place(slot), length()) != 0) {
            return errno == ENOMEM || errno == ENOSPC
                       ? fail(ErrorCode::busy, "no whole frame of memory is free in the guest")
                       : tl::unexpected(error_from_errno("taking a huge page", errno));
        }
        void* const at =
            ::mmap(nullptr, kPiece.count(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file_.fd(), place(slot));
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
        if (::ftruncate(file_.fd(), 0) != 0) errno = 0;
        allowance_.put_back();
    }

private:
    static off_t length() { return static_cast<off_t>(kPiece.count()); }
    static off_t place(std::uint32_t slot) { return static_cast<off_t>(slot) * length(); }
    void drop(std::uint32_t slot) const {
        // Fails only if there is nothing.
        if (::fallocate(file_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place(slot), length()) != 0) errno = 0;
    }

    ClaimedFile file_;
    SurplusAllowance allowance_;
    std::vector<void*> slots_;
};

}  // namespace

Result<std::unique_ptr<PieceSource>> huge_page_source(const std::string& hugetlbfs, const std::string& kept_file) {
    struct statfs system {};
    if (::statfs(hugetlbfs.c_str(), &system) != 0 || system.f_type != HUGETLBFS_MAGIC ||
        system.f_bsize != static_cast<__fsword_t>(kPiece.count()))
        return fail(ErrorCode::not_found, hugetlbfs + " is no hugetlbfs with pages of 2 MiB");
    const std::string path = hugetlbfs + kFileName;
    auto file = ClaimedFile::open(path);
    if (!file) return tl::unexpected(file.error());
    SurplusAllowance allowance(kPool, kept_file);
    const auto total = allowance.read("nr_hugepages");
    const auto surplus = allowance.read("surplus_hugepages");
    if (!total || !surplus) return fail(ErrorCode::not_found, "the kernel does not tell of its huge pages");
    allowance.put_back();  // of one that died
    if (!is_free_for_balloons({*total, *surplus}))
        return fail(ErrorCode::refused, "the kernel keeps huge pages for somebody else (vm.nr_hugepages)");
    return std::make_unique<HugePageSource>(*std::move(file), std::move(allowance));
}

}  // namespace aerostat::balloon::guest
