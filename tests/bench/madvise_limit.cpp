// How fast the kernel takes resident memory back from a process that does nothing else: the limit for any heap balloon.
//
//   bench_madvise_limit private|shared|file MIB ROUNDS
//
// private: anonymous memory, MADV_DONTNEED; shared: a mapped memfd, MADV_REMOVE; file: a mapped memfd, of which holes are
// punched by fallocate. Prints GiB/s, one round a line.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kPiece = 16 * kMiB;  // what an agent would give back at a time

std::optional<std::size_t> number(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
    return value;
}

enum class Kind { mapped_private, mapped_shared, file };

std::optional<Kind> kind_of(std::string_view word) {
    if (word == "private") return Kind::mapped_private;
    if (word == "shared") return Kind::mapped_shared;
    if (word == "file") return Kind::file;
    return std::nullopt;
}

struct Memory {
    Kind kind;
    std::size_t bytes;
    int file = -1;  ///< of shared memory
    void* at = MAP_FAILED;
};

Memory map(Kind kind, std::size_t bytes) {
    Memory memory{kind, bytes};
    if (kind != Kind::mapped_private) {
        memory.file = memfd_create("bench", MFD_CLOEXEC);
        if (memory.file < 0 || ftruncate(memory.file, static_cast<off_t>(bytes)) != 0) return memory;
    }
    const int flags = kind == Kind::mapped_private ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
    memory.at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, memory.file, 0);
    return memory;
}

bool give_back_piece(const Memory& memory, std::size_t offset, std::size_t bytes) {
    char* const at = static_cast<char*>(memory.at) + offset;
    switch (memory.kind) {
        case Kind::mapped_private:
            return madvise(at, bytes, MADV_DONTNEED) == 0;
        case Kind::mapped_shared:
            return madvise(at, bytes, MADV_REMOVE) == 0;
        case Kind::file:
            return fallocate(memory.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                             static_cast<off_t>(bytes)) == 0;
    }
    return false;
}

/// GiB/s; negative on failure.
double give_back(const Memory& memory) {
    std::memset(memory.at, 1, memory.bytes);  // makes it resident
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < memory.bytes; at += kPiece)
        if (!give_back_piece(memory, at, std::min(kPiece, memory.bytes - at))) return -1;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(memory.bytes) / static_cast<double>(1024 * kMiB) / took.count();
}

}  // namespace

int main(int count, char** arguments) {
    const auto kind = kind_of(count == 4 ? arguments[1] : "");
    const auto mib = number(count == 4 ? arguments[2] : "");
    const auto rounds = number(count == 4 ? arguments[3] : "");
    if (!kind || !mib || !rounds) {
        std::fprintf(stderr, "Usage: bench_madvise_limit private|shared|file MIB ROUNDS\n");
        return 2;
    }
    const Memory memory = map(*kind, *mib * kMiB);
    if (memory.at == MAP_FAILED) {
        std::fprintf(stderr, "bench_madvise_limit: cannot map %zu MiB: %s\n", *mib, std::strerror(errno));
        return 1;
    }
    for (std::size_t round = 0; round < *rounds; ++round) {
        const double speed = give_back(memory);
        if (speed < 0) {
            std::fprintf(stderr, "bench_madvise_limit: giving memory back: %s\n", std::strerror(errno));
            return 1;
        }
        std::printf("%.3f\n", speed);
    }
    return 0;
}
