#include "guest-balloon/sense/clocks.h"

#include <charconv>

#include "procfs/file_text.h"

namespace aerostat::guest {

Clocks read_clocks(const Clock& clock, const std::string& root) {
    Clocks clocks;
    clocks.monotonic = clock.now();
    clocks.wall = std::chrono::system_clock::now().time_since_epoch();
    const auto uptime = procfs::read_text(root + "/proc/uptime", 256);
    double seconds = 0;
    constexpr double kMost = 1e9;
    if (uptime && std::from_chars(uptime->data(), uptime->data() + uptime->size(), seconds).ec == std::errc() &&
        seconds >= 0 && seconds < kMost)
        clocks.since_boot = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    return clocks;
}

}  // namespace aerostat::guest
