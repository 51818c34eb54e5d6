#include "host-controller/decide/tracking.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;

TEST(Tracking, AnOrderUnderWayIsRememberedWhileItsJvmIsMissing) {
    const HostRules rules = rules_for(4_GiB, 256_MiB);
    HostSnapshot seen;
    seen.guests = {a_guest("shop", {})};
    HostState state;
    const LayerKey key{seen.guests[0].id, "heap"};
    note_ordered(state, key, 1_GiB, kStart + 5s);
    EXPECT_TRUE(carry_over(seen, state, rules, kStart + 4s).tracks.contains(key));
    EXPECT_FALSE(carry_over(seen, state, rules, kStart + 6s).tracks.contains(key));
}

TEST(Tracking, AnEndedOrderLeavesALaterOneAlone) {
    HostState state;
    const LayerKey key{"session:one", "heap"};
    note_ordered(state, key, 100_MiB, kStart + 8s);
    note_settling(state, key, 200_MiB, kStart + 2s);
    EXPECT_EQ(state.tracks.at(key).busy_until, kStart + 8s) << "the squeeze that came after it goes on";
    note_settling(state, key, 100_MiB, kStart + 3s);
    EXPECT_EQ(state.tracks.at(key).busy_until, kStart + 3s);
    note_settling(state, {"session:gone", "heap"}, 100_MiB, kStart + 3s);
    EXPECT_EQ(state.tracks.size(), 1U);
}

}  // namespace
}  // namespace aerostat::host
