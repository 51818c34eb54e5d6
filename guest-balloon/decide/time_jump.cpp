#include "guest-balloon/decide/time_jump.h"

#include <utility>

namespace aerostat::guest {

std::string JumpWatch::look(const Clocks& now) {
    const auto before = std::exchange(last_, now);
    if (!before) return {};
    const Duration passed = now.monotonic - before->monotonic;
    if (now.since_boot && before->since_boot) {
        const Duration lost = *now.since_boot - *before->since_boot - passed;
        if (lost > kSuspended || lost < -kSuspended) return "this machine was suspended for " + format_duration(lost);
    }
    if (!now.wall || !before->wall) return {};
    const Duration set = *now.wall - *before->wall - passed;
    if (set > kSet || set < -kSet) return "the wall clock was set by " + format_duration(set);
    return {};
}

}  // namespace aerostat::guest
