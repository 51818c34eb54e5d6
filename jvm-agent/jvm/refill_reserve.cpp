#include "jvm-agent/jvm/refill_reserve.h"

#include <algorithm>
#include <ctime>

#include "jvm-agent/decide/old_generation.h"
#include "procfs/meminfo.h"
#include "procfs/memory_cgroup.h"

namespace aerostat::agent {
namespace {

constexpr std::int64_t kFreshForNs = 200'000'000;
constexpr int kMostLevels = 64;

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Of one cgroup; the limit is the lowest seen from there, so each one above has to be asked, too: it holds more.
Bytes could_give(const procfs::CgroupMemory& seen) {
    const Bytes lowest = std::min(seen.limit.value_or(Bytes(Bytes::kLimit)), seen.high.value_or(Bytes(Bytes::kLimit)));
    return saturating_sub(lowest, saturating_sub(seen.current, seen.inactive_file));
}

}  // namespace

Result<Bytes> memory_that_could_be_given(const std::string& root) {
    const auto machine = procfs::read_meminfo(root);
    if (!machine) return tl::unexpected(machine.error());
    Bytes least = machine->available;
    const auto nearest = procfs::nearest_memory_cgroup(root);
    if (!nearest) return tl::unexpected(nearest.error());
    auto cgroup = *nearest;
    if (!cgroup) return least;  // none accounts for us
    for (int level = 0; level < kMostLevels && cgroup->directory.size() >= cgroup->top.size(); ++level) {
        if (const auto seen = procfs::read_memory_cgroup(*cgroup)) least = std::min(least, could_give(*seen));
        const std::size_t slash = cgroup->directory.find_last_of('/');
        if (slash == std::string::npos) break;
        cgroup->directory.resize(slash);
    }
    return least;
}

Bytes RefillReserve::now() {
    if (set_aside_.is_zero()) return Bytes();
    const std::int64_t now = monotonic_ns();
    if (looked_at_ns_ && now - *looked_at_ns_ < kFreshForNs) return last_;
    looked_at_ns_ = now;
    last_ = refill_headroom(set_aside_, memory_that_could_be_given().value_or(Bytes()));
    return last_;
}

}  // namespace aerostat::agent
