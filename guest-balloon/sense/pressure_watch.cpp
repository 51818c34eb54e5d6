#include "guest-balloon/sense/pressure_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "procfs/kept_file.h"
#include "procfs/meminfo.h"

namespace aerostat::guest {
namespace {

// Without CAP_SYS_RESOURCE the kernel takes only windows that are multiples of this.
constexpr Duration kUnprivilegedWindow = std::chrono::seconds(2);

long long micros(Duration duration) { return std::chrono::duration_cast<std::chrono::microseconds>(duration).count(); }

// The trigger's text with the NUL that ends it: the kernel drops the last byte.
bool write_trigger(int fd, Duration stalled, Duration window) {
    std::array<char, 64> text{};
    const int length = std::snprintf(text.data(), text.size(), "some %lld %lld", micros(stalled), micros(window));
    return ::write(fd, text.data(), static_cast<std::size_t>(length) + 1) > 0;
}

// The same share of a longer window.
PressureThreshold unprivileged(const PressureThreshold& threshold) {
    const double share = to_seconds(threshold.stalled) / to_seconds(threshold.window);
    return {Duration(static_cast<std::int64_t>(share * static_cast<double>(kUnprivilegedWindow.count()))),
            kUnprivilegedWindow};
}

struct Trigger {
    int refused = 0;  ///< errno; 0: it is set
    std::optional<PressureThreshold> unprivileged;
};

Trigger set_trigger(int fd, const PressureThreshold& threshold) {
    struct stat file {};
    if (::fstat(fd, &file) != 0) return {errno, {}};
    if (file.st_size > 0) return {ENOTSUP, {}};  // a plain file, in tests: the kernel's own have no size
    if (write_trigger(fd, threshold.stalled, threshold.window)) return {};
    const PressureThreshold longer = unprivileged(threshold);
    if (write_trigger(fd, longer.stalled, longer.window)) return {0, longer};
    return {errno, {}};
}

std::optional<Duration> stalled_since_boot(procfs::KeptFile& file) noexcept {
    const auto seen = procfs::parse_memory_pressure(file.read());
    return seen ? seen->some_total : std::nullopt;
}

}  // namespace

struct PressureWatch::Source {
    explicit Source(asio::io_context& loop) : descriptor(loop) {}
    std::string file;
    asio::posix::stream_descriptor descriptor;
    bool has_trigger = false;
    bool speaks = false;
    std::string trouble;
    std::optional<Duration> stalled;  ///< at the last look, where there is no trigger
    FirstWord first_word;
    procfs::KeptFile counter;  ///< of an unprivileged trigger, until its first true word
    TimePoint looked_at;
};

PressureWatch::PressureWatch(asio::io_context& loop, std::vector<std::string> files, PressureThreshold threshold,
                             std::function<void()> on_pressure)
    : loop_(loop), threshold_(threshold), on_pressure_(std::move(on_pressure)) {
    for (std::string& file : files) {
        auto source = std::make_unique<Source>(loop_);
        source->file = std::move(file);
        open(*source, threshold_);
        source->speaks = source->has_trigger || procfs::read_memory_pressure_file(source->file).has_value();
        if (source->has_trigger) wait(*source);
        sources_.push_back(std::move(source));
    }
}

PressureWatch::~PressureWatch() { *alive_ = false; }

void PressureWatch::open(Source& source, const PressureThreshold& threshold) {
    const int fd = ::open(source.file.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        source.trouble = source.file + ": " + std::strerror(errno);
        return;
    }
    const Trigger set = set_trigger(fd, threshold);
    if (set.unprivileged) {
        source.counter.open(source.file);
        source.first_word = FirstWord(set.unprivileged->stalled, stalled_since_boot(source.counter));
    }
    asio::error_code unusable;
    if (set.refused == 0) source.descriptor.assign(fd, unusable);
    source.has_trigger = set.refused == 0 && !unusable;
    if (source.has_trigger) return;
    source.trouble = source.file + ": " + (set.refused != 0 ? std::strerror(set.refused) : unusable.message());
    ::close(fd);
}

void PressureWatch::wait(Source& source) {
    source.descriptor.async_wait(asio::posix::stream_descriptor::wait_error,
                                 [this, alive = alive_, &source](asio::error_code error) {
                                     if (!*alive || error) return;
                                     // Two things end this wait: pressure, and the end of the file (a cgroup removed).
                                     pollfd state{source.descriptor.native_handle(), POLLPRI, 0};
                                     ::poll(&state, 1, 0);
                                     if ((state.revents & POLLERR) != 0) {
                                         source.has_trigger = false;
                                         source.speaks = false;
                                         source.trouble = source.file + " is gone";
                                         return;
                                     }
                                     if (source.first_word.is_true([&source] { return stalled_since_boot(source.counter); }))
                                         on_pressure_();
                                     wait(source);
                                 });
}

void PressureWatch::poll(TimePoint now) {
    for (const auto& source : sources_) {
        if (source->has_trigger) continue;
        // The kernel adds up every two seconds: against a shorter time than the window's a little looks like much.
        if (source->stalled && now - source->looked_at < threshold_.window) continue;
        const auto seen = procfs::read_memory_pressure_file(source->file);
        source->speaks = seen.has_value();
        const auto before = std::exchange(source->stalled, seen ? seen->some_total : std::nullopt);
        const Duration window = now - std::exchange(source->looked_at, now);
        if (!before || !source->stalled || window <= Duration::zero()) continue;
        const double share = to_seconds(*source->stalled - *before) / to_seconds(window);
        if (share >= to_seconds(threshold_.stalled) / to_seconds(threshold_.window)) on_pressure_();
    }
}

bool PressureWatch::speaks() const noexcept {
    return !sources_.empty() &&
           std::all_of(sources_.begin(), sources_.end(), [](const auto& source) { return source->speaks; });
}

std::vector<std::string> PressureWatch::trouble() const {
    std::vector<std::string> sentences;
    for (const auto& source : sources_) {
        if (source->has_trigger) continue;
        sentences.push_back("no pressure trigger, looked at once a second instead: " + source->trouble);
    }
    return sentences;
}

}  // namespace aerostat::guest
