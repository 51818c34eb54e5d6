// The readers of the C interface (include/aerostat/memory_condition.h).
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>

#include "guest-balloon/client/door.h"
#include "guest-balloon/client/page_source.h"
#include "guest-balloon/client/state_view.h"

using aerostat::client::Door;
using aerostat::client::PageSource;

struct aerostat_condition {
    explicit aerostat_condition(const std::string& directory)
        : source(directory + "/condition"), door_path(directory + "/client.sock") {}
    PageSource source;
    const std::string door_path;
    std::mutex door_mutex;
    std::unique_ptr<Door> door;
};

namespace {

using namespace aerostat;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kBlindLook = kSecond / 4;  // how often one who waits looks for a daemon

void look(aerostat_condition& reader, aerostat_memory_condition& into) noexcept {
    const std::uint64_t now = client::coarse_now_ns();
    client::describe_page(reader.source.page(), now, into);
    if (into.validity == AEROSTAT_VALID || into.validity == AEROSTAT_NO_HOST) return;
    const ConditionPage* before = reader.source.page();
    reader.source.look_again(now);
    if (reader.source.page() != before) client::describe_page(reader.source.page(), now, into);
}

bool differs(const aerostat_memory_condition& a, const aerostat_memory_condition& b, int what) {
    return a.validity != b.validity || a.session != b.session || a.level_changes != b.level_changes ||
           (what == AEROSTAT_WAIT_ANY && a.changes != b.changes);
}

std::uint64_t fine_now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

timespec as_timespec(std::uint64_t ns) {
    return timespec{static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

// Until the word is another one, or the time has come. Returns 0 or errno.
int sleep_on(const std::uint32_t* word, std::uint32_t value, std::uint64_t until_ns) {
    const timespec until = as_timespec(until_ns);
    if (!word) return ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    const long slept = ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
    return slept == 0 || errno == EAGAIN || errno == ETIMEDOUT ? 0 : errno;
}

// When something could change without anybody waking us: the page becomes stale, or there is none to wait on.
std::uint64_t look_again_at(const aerostat_memory_condition& now, const ConditionPage* page, std::uint64_t now_ns) {
    if (!page || now.validity == AEROSTAT_NO_DAEMON || now.validity == AEROSTAT_STALE) return now_ns + kBlindLook;
    const std::uint64_t stale_after = __atomic_load_n(
        &page->slot[__atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE) & 1U].state.stale_after_ns, __ATOMIC_RELAXED);
    const std::uint64_t left = stale_after > now.age_ns ? stale_after - now.age_ns : 0;
    return now_ns + std::clamp(left + 5'000'000, kSecond / 100, 60 * kSecond);  // 5 ms: the coarse clock's grain
}

int wait_for_change(aerostat_condition& reader, int what, std::uint64_t until_ns, const aerostat_memory_condition& seen,
                    aerostat_memory_condition& now) {
    for (;;) {
        look(reader, now);
        if (differs(seen, now, what)) return 1;
        const std::uint64_t now_ns = fine_now_ns();
        if (now_ns >= until_ns) return 0;
        const ConditionPage* page = reader.source.page();
        const std::uint32_t* word = !page ? nullptr : what == AEROSTAT_WAIT_ANY ? &page->changes : &page->level_changes;
        const std::uint32_t value = what == AEROSTAT_WAIT_ANY ? now.changes : now.level_changes;
        const int trouble = sleep_on(word, value, std::min(until_ns, look_again_at(now, page, now_ns)));
        if (trouble == EINTR) return AEROSTAT_E_INTERRUPTED;
        if (trouble == 0) continue;
        errno = trouble;
        return AEROSTAT_E_SYSTEM;
    }
}

}  // namespace

extern "C" {

int aerostat_condition_open(const char* runtime_dir, aerostat_condition** reader) {
    if (!reader) return AEROSTAT_E_ARGUMENT;
    *reader = nullptr;
    try {
        const std::string directory = client::runtime_directory(runtime_dir);
        if (directory.empty()) return AEROSTAT_E_ARGUMENT;
        *reader = new aerostat_condition(directory);
        (*reader)->source.look_again(client::coarse_now_ns());
        return 0;
    } catch (...) {
        return AEROSTAT_E_MEMORY;
    }
}

int aerostat_condition_read(aerostat_condition* reader, aerostat_memory_condition* into) {
    if (!reader || !into) return AEROSTAT_E_ARGUMENT;
    if (into->struct_size == sizeof *into) {  // the caller's structure is of our time: nothing to copy
        look(*reader, *into);
        return 0;
    }
    aerostat_memory_condition now;
    look(*reader, now);
    return client::hand_over(now, into) ? 0 : AEROSTAT_E_ARGUMENT;
}

int aerostat_condition_wait(aerostat_condition* reader, int what, int64_t timeout_ms, aerostat_memory_condition* seen) {
    if (!reader || !seen || (what != AEROSTAT_WAIT_LEVEL && what != AEROSTAT_WAIT_ANY)) return AEROSTAT_E_ARGUMENT;
    aerostat_memory_condition before = AEROSTAT_MEMORY_CONDITION_INIT;
    const std::uint32_t size = seen->struct_size;
    if (size < offsetof(aerostat_memory_condition, age_ns)) return AEROSTAT_E_ARGUMENT;  // nothing to compare with
    std::copy_n(reinterpret_cast<const char*>(seen), std::min<std::size_t>(size, sizeof before),
                reinterpret_cast<char*>(&before));
    constexpr std::int64_t kLongest = 1LL << 40U;
    const std::int64_t within = timeout_ms < 0 ? kLongest : std::min<std::int64_t>(timeout_ms, kLongest);
    const std::uint64_t until = fine_now_ns() + static_cast<std::uint64_t>(within) * 1'000'000;
    aerostat_memory_condition now;
    const int result = wait_for_change(*reader, what, until, before, now);
    return client::hand_over(now, seen) ? result : AEROSTAT_E_ARGUMENT;
}

int aerostat_condition_fd(aerostat_condition* reader, int what) {
    if (!reader || (what != AEROSTAT_WAIT_LEVEL && what != AEROSTAT_WAIT_ANY)) return AEROSTAT_E_ARGUMENT;
    try {
        const std::lock_guard lock(reader->door_mutex);
        if (!reader->door) {
            const Watch watch{what == AEROSTAT_WAIT_ANY ? WatchFor::all : WatchFor::level};
            auto door = std::make_unique<Door>(reader->door_path, [watch] { return std::vector<Message>{watch}; });
            if (!door->open()) return AEROSTAT_E_SYSTEM;
            reader->door = std::move(door);
        }
        return reader->door->fd();
    } catch (...) {
        return AEROSTAT_E_MEMORY;
    }
}

int aerostat_condition_dispatch(aerostat_condition* reader) {
    if (!reader) return AEROSTAT_E_ARGUMENT;
    try {
        const std::lock_guard lock(reader->door_mutex);
        if (!reader->door) return AEROSTAT_E_ARGUMENT;
        const Door::Arrivals arrivals = reader->door->take();
        return arrivals.turned || !arrivals.messages.empty() ? 1 : 0;
    } catch (...) {
        return AEROSTAT_E_MEMORY;
    }
}

void aerostat_condition_close(aerostat_condition* reader) { delete reader; }

}  // extern "C"
