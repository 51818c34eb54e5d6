#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>

#include "application-balloon/guest/act/piece_source.h"
#include "application-balloon/guest/decide/holding.h"

namespace aerostat::balloon::guest {

Result<Frame> frame_behind(std::span<const std::byte> piece) {
    std::array<std::uint64_t, kPiece.count() / kPage.count()> entries{};
    const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(error_from_errno("opening /proc/self/pagemap", errno));
    const std::uint64_t page = std::bit_cast<std::uintptr_t>(piece.data()) / kPage.count();
    const ssize_t got = ::pread(fd, entries.data(), sizeof(entries), static_cast<off_t>(page * sizeof(entries[0])));
    const int number = errno;
    ::close(fd);
    if (got != static_cast<ssize_t>(sizeof(entries)))
        return tl::unexpected(error_from_errno("reading /proc/self/pagemap", number));
    return frame_of(entries);
}

}  // namespace aerostat::balloon::guest
