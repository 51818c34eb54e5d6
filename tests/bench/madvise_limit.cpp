// How fast the kernel takes resident memory back from a process that does nothing else: the limit for any heap balloon.
//
//   bench_madvise_limit private|shared MIB ROUNDS
//
// private: anonymous memory, MADV_DONTNEED; shared: a memfd, MADV_REMOVE. Prints GiB/s, one round a line.

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

void* map(bool shared, std::size_t bytes) {
    if (!shared) return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const int file = memfd_create("bench", MFD_CLOEXEC);
    if (file < 0) return MAP_FAILED;
    void* at = MAP_FAILED;
    if (ftruncate(file, static_cast<off_t>(bytes)) == 0)
        at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return at;
}

/// GiB/s; negative on failure.
double give_back(char* memory, std::size_t bytes, int advice) {
    std::memset(memory, 1, bytes);  // makes it resident
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < bytes; at += kPiece)
        if (madvise(memory + at, std::min(kPiece, bytes - at), advice) != 0) return -1;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(bytes) / static_cast<double>(1024 * kMiB) / took.count();
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view kind = count == 4 ? arguments[1] : "";
    const auto mib = number(count == 4 ? arguments[2] : "");
    const auto rounds = number(count == 4 ? arguments[3] : "");
    if ((kind != "private" && kind != "shared") || !mib || !rounds) {
        std::fprintf(stderr, "Usage: bench_madvise_limit private|shared MIB ROUNDS\n");
        return 2;
    }
    void* const memory = map(kind == "shared", *mib * kMiB);
    if (memory == MAP_FAILED) {
        std::fprintf(stderr, "bench_madvise_limit: cannot map %zu MiB: %s\n", *mib, std::strerror(errno));
        return 1;
    }
    for (std::size_t round = 0; round < *rounds; ++round) {
        const double speed =
            give_back(static_cast<char*>(memory), *mib * kMiB, kind == "shared" ? MADV_REMOVE : MADV_DONTNEED);
        if (speed < 0) {
            std::fprintf(stderr, "bench_madvise_limit: madvise: %s\n", std::strerror(errno));
            return 1;
        }
        std::printf("%.3f\n", speed);
    }
    return 0;
}
