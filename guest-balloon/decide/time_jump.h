#pragma once

#include <optional>
#include <string>

#include "contract/clock.h"

namespace aerostat::guest {

/// The clocks of this machine at one moment.
struct Clocks {
    TimePoint monotonic;                 ///< stands still while the machine is suspended
    std::optional<Duration> since_boot;  ///< goes on meanwhile
    std::optional<Duration> wall;        ///< since 1970; set by people and by NTP
};

/// Notices that the machine was suspended, or that its wall clock was set: restored, moved to another host, or just
/// corrected. Whoever was at the other end of the host's link may be another now, and what the guest knew of its memory is
/// old.
class JumpWatch {
public:
    /// Since the last look; empty if time just went on, else what happened, for people.
    [[nodiscard]] std::string look(const Clocks& now);

private:
    static constexpr Duration kSuspended = std::chrono::seconds(2);
    static constexpr Duration kSet = std::chrono::seconds(5);
    std::optional<Clocks> last_;
};

}  // namespace aerostat::guest
