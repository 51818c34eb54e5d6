#include "jvm-agent/decide/growth_watch.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

GrowthSight seen(Bytes application) { return {application, application, 500_MiB, 1_MiB}; }

TEST(GrowthWatch, TellsOnceThatAProgramHasOutgrownItsTarget) {
    GrowthWatch watch;
    watch.begin();
    EXPECT_FALSE(watch.observe(seen(200_MiB)));
    EXPECT_FALSE(watch.observe(seen(420_MiB))) << "there is room left";
    EXPECT_TRUE(watch.observe(seen(430_MiB)));
    EXPECT_FALSE(watch.observe(seen(440_MiB)));
    EXPECT_TRUE(watch.has_outgrown());
    EXPECT_FALSE(watch.observe(seen(301_MiB)));
    EXPECT_TRUE(watch.has_outgrown());
    EXPECT_FALSE(watch.observe(seen(299_MiB)));
    EXPECT_FALSE(watch.has_outgrown()) << "it fits again";
}

TEST(GrowthWatch, LeavesAProgramHeldThatWasAsLargeFromTheFirst) {
    GrowthWatch watch;
    watch.begin();
    EXPECT_FALSE(watch.observe(seen(480_MiB)));
    EXPECT_FALSE(watch.observe(seen(500_MiB)));
    watch.observe(seen(200_MiB));
    EXPECT_TRUE(watch.observe(seen(480_MiB)));
    watch.begin();
    EXPECT_FALSE(watch.observe(seen(480_MiB))) << "under another target";
    EXPECT_FALSE(watch.has_outgrown());
}

TEST(GrowthWatch, GoesByWhatCountsAgainstTheTarget) {
    GrowthWatch watch;
    watch.begin();
    watch.observe(seen(200_MiB));
    EXPECT_FALSE(watch.observe({480_MiB, 300_MiB, 500_MiB, 1_MiB})) << "much of it is dead";
    EXPECT_TRUE(watch.has_grown(480_MiB, 1_MiB));
    EXPECT_EQ(GrowthWatch::wanted(480_MiB, 500_MiB), 300_MiB);
}

}  // namespace
}  // namespace aerostat::agent
