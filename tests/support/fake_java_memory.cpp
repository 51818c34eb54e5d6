#include "tests/support/fake_java_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace aerostat::testing {
namespace {

constexpr std::uint64_t kBlockBytes = 512;

void require(bool well, const char* action) {
    if (well) return;
    std::perror(action);
    std::abort();
}

}  // namespace

FakeJavaMemory::FakeJavaMemory(Kind kind, Bytes size) {
    if (kind == Kind::shared) {
        fd_ = memfd_create("java_heap", MFD_CLOEXEC);
        require(fd_ >= 0 && ftruncate(fd_, static_cast<off_t>(size.count())) == 0, "a memfd for the fake heap");
    }
    const int flags = fd_ >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void* const begin = mmap(nullptr, size.count(), PROT_READ | PROT_WRITE, flags, fd_, 0);
    require(begin != MAP_FAILED, "mapping the fake heap");
    madvise(begin, size.count(), MADV_NOHUGEPAGE);  // residency is counted in small pages
    range_.begin = reinterpret_cast<std::uintptr_t>(begin);
    range_.end = range_.begin + size.count();
    fill(range_, kNeighbour);
}

FakeJavaMemory::~FakeJavaMemory() {
    munmap(reinterpret_cast<void*>(range_.begin), range_.size().count());
    if (fd_ >= 0) close(fd_);
}

void FakeJavaMemory::fill(procfs::AddressRange part, unsigned char value) {
    std::memset(reinterpret_cast<void*>(part.begin), value, part.size().count());
}

bool FakeJavaMemory::is_all(procfs::AddressRange part, unsigned char value) {
    const auto* const begin = reinterpret_cast<const unsigned char*>(part.begin);
    const std::size_t size = part.size().count();
    return size == 0 || (*begin == value && std::memcmp(begin, begin + 1, size - 1) == 0);
}

Bytes FakeJavaMemory::resident(procfs::AddressRange part) {
    const std::uintptr_t size = page().count();
    const std::uintptr_t begin = part.begin / size * size;
    const std::uintptr_t end = (part.end + size - 1) / size * size;
    std::vector<unsigned char> map((end - begin) / size);
    require(mincore(reinterpret_cast<void*>(begin), end - begin, map.data()) == 0, "mincore");
    const auto pages = std::count_if(map.begin(), map.end(), [](unsigned char one) { return (one & 1) != 0; });
    return Bytes(static_cast<std::uint64_t>(pages) * size);
}

Bytes FakeJavaMemory::file_blocks() const {
    struct stat state {};
    require(fstat(fd_, &state) == 0, "fstat");
    return Bytes(static_cast<std::uint64_t>(state.st_blocks) * kBlockBytes);
}

Bytes FakeJavaMemory::page() { return Bytes(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))); }

}  // namespace aerostat::testing
