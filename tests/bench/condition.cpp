// Reads the memory condition of a runtime directory in the ways that benches and tests measure.
//
//   bench_condition read DIR ROUNDS      ns a read: the C library, /proc/meminfo, /proc/pressure/memory, in turns
//   bench_condition wait DIR COUNT       ns from guestd's writing to a waiting program's waking, COUNT changes
//   bench_condition crowd DIR COUNT      so many readers of their own, each ten times a second, until the input ends
//   bench_condition hammer DIR COUNT     so many readers without a pause, until the input ends: torn states and times gone
//   back
//
// Prints one figure a line, or one JSON object for all (hammer).

#include <aerostat/memory_condition.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "contract/condition_access.h"

namespace {

using aerostat::ConditionPage;
using aerostat::ConditionWords;

double now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

class Reader {
public:
    explicit Reader(const char* directory) { aerostat_condition_open(directory, &reader_); }
    ~Reader() { aerostat_condition_close(reader_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    const aerostat_memory_condition& read() {
        aerostat_condition_read(reader_, &now_);
        return now_;
    }
    int wait(int what) { return aerostat_condition_wait(reader_, what, 10'000, &now_); }
    [[nodiscard]] const aerostat_memory_condition& now() const { return now_; }

private:
    aerostat_condition* reader_ = nullptr;
    aerostat_memory_condition now_ = AEROSTAT_MEMORY_CONDITION_INIT;
};

template <class Act>
double ns_each(int count, const Act& act) {
    const double began = now_ns();
    for (int i = 0; i < count; ++i) act();
    return (now_ns() - began) / count;
}

/// As a program does that keeps the file open: one read from the start. The kernel makes the text anew each time.
class ProcFile {
public:
    explicit ProcFile(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
    ~ProcFile() { close(fd_); }
    ProcFile(const ProcFile&) = delete;
    ProcFile& operator=(const ProcFile&) = delete;
    bool read() { return pread(fd_, text_, sizeof text_, 0) > 0; }

private:
    int fd_;
    char text_[8192] = {};
};

int bench_read(const char* directory, int rounds) {
    Reader reader(directory);
    ProcFile meminfo("/proc/meminfo");
    ProcFile pressure("/proc/pressure/memory");
    const int validity = reader.read().validity;
    if (validity != AEROSTAT_VALID && validity != AEROSTAT_NO_HOST) {
        std::fprintf(stderr, "bench_condition: no guestd serves %s: %s\n", directory, aerostat_validity_name(validity));
        return 1;
    }
    const bool has_pressure = pressure.read();
    std::uint64_t sum = 0;  // what is read must be used
    for (int i = 0; i < rounds; ++i) {
        const double c = ns_each(100'000, [&] { sum += reader.read().available_bytes; });
        const double proc = ns_each(500, [&] { sum += meminfo.read() ? 1U : 0U; });
        const double psi = has_pressure ? ns_each(500, [&] { sum += pressure.read() ? 1U : 0U; }) : -1;
        timespec time{};
        const double coarse = ns_each(100'000, [&] { clock_gettime(CLOCK_MONOTONIC_COARSE, &time); });
        std::printf("{\"c\":%.2f,\"proc_meminfo\":%.1f,\"proc_pressure\":%.1f,\"coarse_clock\":%.2f}\n", c, proc, psi,
                    coarse);
    }
    return sum == 0 ? 1 : 0;
}

const ConditionPage* map_page(const std::string& directory) {
    const int fd = open((directory + "/condition").c_str(), O_RDONLY | O_CLOEXEC);
    void* at = mmap(nullptr, aerostat::kConditionPageSize, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<const ConditionPage*>(at);
}

int bench_wait(const char* directory, int count) {
    Reader reader(directory);
    const ConditionPage* page = map_page(directory);
    reader.read();
    std::printf("ready\n");
    std::fflush(stdout);
    for (int i = 0; i < count; ++i) {
        const int changed = page ? reader.wait(AEROSTAT_WAIT_ANY) : -1;
        const double woke = now_ns();
        if (changed != 1) return std::fprintf(stderr, "bench_condition: no change came (%d)\n", changed), 1;
        ConditionWords words{};
        if (!aerostat::read_condition_words(*page, words)) return 1;
        std::printf("%.0f\n", woke - static_cast<double>(words[1]));  // updated_ns: taken before it was written
        std::fflush(stdout);
    }
    return 0;
}

int crowd(const char* directory, int count) {
    std::atomic<bool> done = false;
    std::atomic<std::uint64_t> reads = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&] {
            Reader reader(directory);
            while (!done) {
                reads += reader.read().validity == AEROSTAT_NO_DAEMON ? 0U : 1U;
                std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the load itself, not a wait for something
            }
        });
    }
    std::printf("ready\n");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
    std::printf("%llu\n", static_cast<unsigned long long>(reads.load()));
    return 0;
}

struct Seen {
    std::atomic<std::uint64_t> reads = 0;
    std::atomic<std::uint64_t> torn = 0;       ///< the checksum of what was read is wrong
    std::atomic<std::uint64_t> gone_back = 0;  ///< an older state after a newer one
    std::atomic<std::uint64_t> sessions = 0;   ///< how often the session was another one
    std::atomic<std::uint64_t> unread = 0;     ///< no state could be had
};

void hammer_on(const ConditionPage& page, Seen& seen, const std::atomic<bool>& done) {
    constexpr std::size_t kUpdates = 16;
    std::uint64_t last = 0;
    std::uint64_t session = 0;
    while (!done) {
        for (int i = 0; i < 5000; ++i) {
            ConditionWords words{};
            if (!aerostat::read_condition_words(page, words)) {
                ++seen.unread;
                continue;
            }
            if (words.back() != aerostat::condition_checksum(words)) ++seen.torn;
            if (words[kUpdates] < last) ++seen.gone_back;
            if (words[0] != session) ++seen.sessions;
            last = words[kUpdates];
            session = words[0];
        }
        seen.reads += 5000;
        std::this_thread::yield();
    }
}

int hammer(const char* directory, int count) {
    const ConditionPage* page = map_page(directory);
    if (!page) return std::fprintf(stderr, "bench_condition: %s/condition cannot be mapped\n", directory), 1;
    Seen seen;
    std::atomic<bool> done = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&] { hammer_on(*page, seen, done); });
    std::printf("ready\n");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
    ConditionWords words{};
    const bool whole = aerostat::read_condition_words(*page, words);
    std::printf("{\"reads\":%llu,\"torn\":%llu,\"gone_back\":%llu,\"unread\":%llu,\"sessions\":%llu,\"writes\":%llu}\n",
                static_cast<unsigned long long>(seen.reads), static_cast<unsigned long long>(seen.torn),
                static_cast<unsigned long long>(seen.gone_back), static_cast<unsigned long long>(seen.unread),
                static_cast<unsigned long long>(seen.sessions), static_cast<unsigned long long>(whole ? words[16] : 0));
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view mode = count == 4 ? arguments[1] : "";
    const auto amount = number(count == 4 ? arguments[3] : "");
    if (amount && mode == "read") return bench_read(arguments[2], *amount);
    if (amount && mode == "wait") return bench_wait(arguments[2], *amount);
    if (amount && mode == "crowd") return crowd(arguments[2], *amount);
    if (amount && mode == "hammer") return hammer(arguments[2], *amount);
    std::fprintf(stderr, "Usage: bench_condition read|wait|crowd|hammer DIR COUNT\n");
    return 2;
}
