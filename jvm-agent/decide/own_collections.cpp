#include "jvm-agent/decide/own_collections.h"

#include <utility>

namespace aerostat::agent {
namespace {

constexpr Duration kLongestEcho = std::chrono::seconds(5);
constexpr Duration kAtRest = std::chrono::seconds(3);
/// Of G1 after a cycle: one that prepares, and two mixed ones. There may be eight (G1MixedGCCountTarget), which cost little
/// more than the program's own; a heap that is ordered about every few seconds would never be seen if all were waited for.
constexpr std::uint64_t kFollowACycle = 3;

}  // namespace

void OwnCollections::observe(bool causing, bool marking, const HeapFacts& heap, TimePoint now) {
    if (causing) {
        if (!ours_) {
            cycle_ = false;
            cycle_pauses_ = heap.cycle_pauses;
            young_gcs_ = heap.young_gcs;
        }
        ours_ = true;
        caused_at_ = now;
    }
    if (ours_) ours_ = goes_on(marking, heap, now) || causing;
    seen_ = seen_ || ours_;
}

bool OwnCollections::goes_on(bool marking, const HeapFacts& heap, TimePoint now) {
    const bool runs = heap.collecting.value_or(marking);
    if (runs || heap.cycle_pauses != cycle_pauses_) {
        cycle_ = true;
        cycle_pauses_ = heap.cycle_pauses;
        young_gcs_ = heap.young_gcs;
    }
    if (runs || heap.young_gcs != last_young_) collected_at_ = now;
    last_young_ = heap.young_gcs;
    if (now - caused_at_ >= kLongestEcho) return false;
    const bool to_come = cycle_ && heap.young_gcs - young_gcs_ < kFollowACycle && now - collected_at_ < kAtRest;
    return runs || (to_come && heap.kind == CollectionKind::young_and_marking);
}

bool OwnCollections::take() { return std::exchange(seen_, ours_); }

}  // namespace aerostat::agent
