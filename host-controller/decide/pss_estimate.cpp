#include "host-controller/decide/pss_estimate.h"

#include <algorithm>

namespace aerostat::host {
namespace {

/// A walk of 4 GiB takes some 20 ms: 0.2 % of a core at this pace.
constexpr Duration kWalkEvery = std::chrono::seconds(10);
/// Of its PSS. What reports and limits are compared with errs by more.
constexpr double kMostMoved = 1.0 / 16;
constexpr Bytes kMovedAtLeast{16ULL << 20};
/// JVMs share their libraries and their class archive: 30 to 40 MiB each.
constexpr Bytes kMostShared{64ULL << 20};

struct Movement {
    Bytes up, down;
    void add(Bytes before, Bytes after) {
        up += saturating_sub(after, before);
        down += saturating_sub(before, after);
    }
};

}  // namespace

std::optional<Bytes> pss_since(const WalkedMemory& walked, const CountedMemory& now_counted, TimePoint now) {
    const CountedMemory& then = walked.counted;
    if (now - walked.at >= kWalkEvery || saturating_sub(walked.rss, walked.pss) > kMostShared) return std::nullopt;
    if (then.heap_file.has_value() != now_counted.heap_file.has_value()) return std::nullopt;
    Movement moved;
    moved.add(then.anonymous, now_counted.anonymous);
    moved.add(then.file, now_counted.file);
    // Pages of the heap file are among these, once for each mapping.
    if (!then.heap_file) moved.add(then.shared, now_counted.shared);
    if (moved.up + moved.down > std::max(share_of(walked.pss, kMostMoved), kMovedAtLeast)) return std::nullopt;
    return saturating_sub(walked.pss + moved.up, moved.down) + now_counted.heap_file.value_or(Bytes());
}

}  // namespace aerostat::host
