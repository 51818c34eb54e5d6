#include "jvm-agent/decide/prospects.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr HeapTarget kTarget{500_MiB};

/// A G1 heap of a gigabyte, committed and resident, half of it occupied: chunks can take whatever `room` there is.
ProspectSight sight(Bytes live, Bytes room) {
    ProspectSight seen;
    seen.heap.max = seen.heap.committed = seen.resident = 1_GiB;
    seen.heap.region = 1_MiB;
    seen.heap.used = seen.application = 512_MiB;
    seen.is_looked_at = true;
    seen.live = live;
    seen.room = room;
    seen.since_cycle = 1s;
    seen.largest_balloon = [](HeapTarget target, Bytes application) {
        return std::min(saturating_sub(1_GiB, target.footprint), saturating_sub(1_GiB, application));
    };
    return seen;
}

TEST(Prospects, ThinkCyclesWorthTheirCostWhileNobodyKnowsBetter) {
    ProspectSight seen = sight(512_MiB, 512_MiB);
    EXPECT_FALSE(Prospects(seen).is_worth_cycles({1000_MiB})) << "so little is never worth them";
    seen.live.reset();
    EXPECT_TRUE(Prospects(seen).is_worth_cycles(kTarget));
    seen.live = 512_MiB;
    seen.since_cycle = 1min;
    EXPECT_TRUE(Prospects(seen).is_worth_cycles(kTarget)) << "what the last cycle has found is long ago";
}

TEST(Prospects, KnowOfCyclesThatBringNoMoreThanChunksDo) {
    ProspectSight full = sight(512_MiB, 512_MiB);
    full.balloon = 512_MiB;
    full.heap.used = 1_GiB;
    EXPECT_FALSE(Prospects(full).is_worth_cycles(kTarget)) << "a heap full of chunks hardly becomes smaller";
    EXPECT_TRUE(Prospects(sight(100_MiB, 0_B)).is_worth_cycles(kTarget)) << "nothing can be had without";
}

TEST(Prospects, SayHowLowTheHeapComesOnlyWhereThatIsKnown) {
    ProspectSight seen = sight(100_MiB, 300_MiB);
    EXPECT_LT(Prospects(seen).floor_as_held(kTarget), saturating_sub(1_GiB, 300_MiB));
    ProspectSight blind = seen;
    blind.is_looked_at = false;
    EXPECT_TRUE(Prospects(blind).floor_as_held(kTarget).is_zero());
    seen.live.reset();
    EXPECT_TRUE(Prospects(seen).floor_as_held(kTarget).is_zero());
    seen.live = 100_MiB;
    seen.heap.kind = CollectionKind::whole_heap_cycles;
    EXPECT_TRUE(Prospects(seen).floor_as_held(kTarget).is_zero());
}

}  // namespace
}  // namespace aerostat::agent
