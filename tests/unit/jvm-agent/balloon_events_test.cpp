#include "jvm-agent/app/balloon_events.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using Kind = BalloonEvent::Kind;

TEST(BalloonEvents, AreNoneWhenNothingHappened) {
    const BalloonTotals totals{{1_GiB}, 3_GiB, 2_MiB, 5};
    EXPECT_TRUE(balloon_events(totals, totals, "hold").empty());
}

TEST(BalloonEvents, ShowWhatWentInAndOutInOneStep) {
    const BalloonTotals before{{100_MiB}, 100_MiB, 0_B, 0};
    const BalloonTotals now{{60_MiB}, 130_MiB, 0_B, 0};
    const auto events = balloon_events(before, now, "order a");
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].kind, Kind::inflate);
    EXPECT_EQ(events[0].bytes, 30_MiB);
    EXPECT_EQ(events[0].after.granted, 130_MiB);
    EXPECT_EQ(events[1].kind, Kind::deflate);
    EXPECT_EQ(events[1].bytes, 70_MiB);
    EXPECT_EQ(events[1].after.granted, 60_MiB);
    EXPECT_EQ(events[1].cause, "order a");
}

TEST(BalloonEvents, NameTheCollectorWhenItTookChunks) {
    const auto events = balloon_events({{100_MiB}, 100_MiB, 0_B, 1}, {{90_MiB}, 100_MiB, 0_B, 2}, "hold");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].cause, "cleared-chunks");
}

TEST(BalloonEvents, ShowPagesThatCameBack) {
    const auto events = balloon_events({{1_GiB}, 1_GiB, 2_MiB, 0}, {{1_GiB}, 1_GiB, 6_MiB, 0}, "hold");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, Kind::refill);
    EXPECT_EQ(events[0].bytes, 4_MiB);
    EXPECT_EQ(events[0].after.granted, 1_GiB);
}

}  // namespace
}  // namespace aerostat::agent
