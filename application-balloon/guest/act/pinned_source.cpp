#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include "application-balloon/guest/act/piece_source.h"

namespace aerostat::balloon::guest {
namespace {

constexpr std::uint32_t kMostSlots = 16384;  // the kernel's limit of buffers: 32 GiB
// Debian 12's C library does not name them all.
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/// A table of pinned memory: the buffers of an io_uring that never does any I/O. The kernel calls are made directly, for a
/// library would map queues that are not needed.
class PinTable {
public:
    static Result<PinTable> open() {
        io_uring_params parameters{};
        const long fd = ::syscall(SYS_io_uring_setup, 1, &parameters);
        if (fd < 0) {
            Error error = error_from_errno("io_uring, which would pin memory, is not to be had", errno);
            error.code = errno == EPERM ? ErrorCode::denied : ErrorCode::unsupported;
            return tl::unexpected(error);
        }
        PinTable table(static_cast<int>(fd));
        if (!table.set_up())
            return fail(ErrorCode::unsupported,
                        "the kernel's io_uring is too old to pin memory for a balloon (before 5.19)");
        return table;
    }
    explicit PinTable(int fd) : fd_(fd) {}
    PinTable(PinTable&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    PinTable& operator=(PinTable&&) = delete;
    ~PinTable() {
        if (fd_ >= 0) ::close(fd_);
    }

    [[nodiscard]] bool set_up() const {
        io_uring_rsrc_register table{};
        table.nr = kMostSlots;
        table.flags = IORING_RSRC_REGISTER_SPARSE;
        return tell(IORING_REGISTER_BUFFERS2, &table, sizeof(table)) == 0;
    }
    [[nodiscard]] Status pin(std::uint32_t slot, void* at) const {
        if (update(slot, {at, kPiece.count()})) return {};
        return tl::unexpected(error_from_errno("pinning memory", errno));
    }
    void unpin(std::uint32_t slot) const { static_cast<void>(update(slot, {nullptr, 0})); }
    /// Returns when nothing is pinned any more.
    void unpin_all() const {
        static_cast<void>(tell(IORING_UNREGISTER_BUFFERS, nullptr, 0));
        static_cast<void>(set_up());  // if not, pin() fails from now on
    }

private:
    [[nodiscard]] long tell(unsigned what, void* argument, std::size_t size) const {
        return ::syscall(SYS_io_uring_register, fd_, what, argument, size);
    }
    [[nodiscard]] bool update(std::uint32_t slot, iovec memory) const {
        io_uring_rsrc_update2 change{};
        change.offset = slot;
        change.data = std::bit_cast<std::uintptr_t>(&memory);
        change.nr = 1;
        return tell(IORING_REGISTER_BUFFERS_UPDATE, &change, sizeof(change)) == 1;
    }
    int fd_;
};

/// Address space for one aligned piece; null if there is none.
std::byte* reserve_piece() {
    constexpr std::size_t kSize = kPiece.count();
    void* const raw = ::mmap(nullptr, 2 * kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    auto* const begin = static_cast<std::byte*>(raw);
    const std::size_t before = (kSize - std::bit_cast<std::uintptr_t>(begin) % kSize) % kSize;
    if (before != 0) ::munmap(begin, before);
    ::munmap(begin + before + kSize, kSize - before);
    return begin + before;
}

/// Fills it with memory that is one huge page, if the kernel has one.
Status populate(std::byte* at) {
    ::madvise(at, kPiece.count(), MADV_HUGEPAGE);
    ::madvise(at, kPiece.count(), MADV_DONTFORK);
    ::madvise(at, kPiece.count(), MADV_DONTDUMP);
    if (::madvise(at, kPiece.count(), MADV_POPULATE_WRITE) != 0 || ::mlock(at, kPiece.count()) != 0)
        return tl::unexpected(error_from_errno("taking memory", errno));
    if (!frame_behind({at, kPiece.count()}).has_value()) ::madvise(at, kPiece.count(), MADV_COLLAPSE);
    return {};
}

class PinnedSource final : public PieceSource {
public:
    explicit PinnedSource(PinTable table) : table_(std::move(table)) {}
    ~PinnedSource() override { give_all_back(); }
    PinnedSource(const PinnedSource&) = delete;
    PinnedSource& operator=(const PinnedSource&) = delete;

    [[nodiscard]] std::string name() const override { return "pinned"; }

    Result<Piece> take() override {
        const auto free = std::find(slots_.begin(), slots_.end(), nullptr);
        if (free == slots_.end() && slots_.size() == kMostSlots) return fail(ErrorCode::busy, "all places are taken");
        std::byte* const at = reserve_piece();
        if (at == nullptr) return tl::unexpected(error_from_errno("reserving address space", errno));
        auto piece = fill(static_cast<std::uint32_t>(free - slots_.begin()), at);
        if (!piece) ::munmap(at, kPiece.count());
        return piece;
    }

    void give_back(std::uint32_t slot) override {
        if (slot >= slots_.size() || slots_[slot] == nullptr) return;
        table_.unpin(slot);
        ::munmap(slots_[slot], kPiece.count());
        slots_[slot] = nullptr;
    }

    void give_all_back() override {
        table_.unpin_all();
        for (std::byte* at : slots_) {
            if (at != nullptr) ::munmap(at, kPiece.count());
        }
        slots_.clear();
    }

private:
    // Its frame is read when it is pinned: before, it may still move.
    Result<Piece> fill(std::uint32_t slot, std::byte* at) {
        const std::span memory(at, kPiece.count());
        if (const auto there = populate(at); !there) return tl::unexpected(there.error());
        if (const auto whole = frame_behind(memory); !whole) {
            if (whole.error().code != ErrorCode::refused) return tl::unexpected(whole.error());
            return fail(ErrorCode::busy, "no whole frame of memory is free in the guest");
        }
        if (const auto pinned = table_.pin(slot, at); !pinned) return tl::unexpected(pinned.error());
        if (slot == slots_.size()) slots_.push_back(nullptr);
        const auto frame = frame_behind(memory);
        if (!frame) {
            table_.unpin(slot);
            return tl::unexpected(frame.error());
        }
        slots_[slot] = at;
        return Piece{slot, memory, *frame};
    }

    PinTable table_;
    std::vector<std::byte*> slots_;
};

}  // namespace

Result<std::unique_ptr<PieceSource>> pinned_source() {
    auto table = PinTable::open();
    if (!table) return tl::unexpected(table.error());
    return std::make_unique<PinnedSource>(*std::move(table));
}

}  // namespace aerostat::balloon::guest
