#include "jvm-agent/decide/drive_spacing.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace std::chrono_literals;

TEST(DriveSpacing, DoublesUntilTheHeapIsWithinItsTarget) {
    DriveSpacing spacing;
    EXPECT_EQ(spacing.wait(), 0s);
    for (const Duration next : {10s, 20s, 40s}) {
        spacing.begins_again();
        EXPECT_EQ(spacing.wait(), next);
    }
    spacing.is_within_target();
    EXPECT_EQ(spacing.wait(), 10s);
}

TEST(DriveSpacing, IsAMinuteAtLeastAndTenAtMostAfterADriveInVain) {
    DriveSpacing spacing;
    spacing.begins_again();
    spacing.set_in_vain(true);
    EXPECT_EQ(spacing.wait(), 1min);
    spacing.begins_again();
    spacing.is_within_target();
    EXPECT_EQ(spacing.wait(), 2min) << "right after collections any heap is within its target";
    for (int i = 0; i < 10; ++i) spacing.begins_again();
    EXPECT_EQ(spacing.wait(), 10min);
    spacing.set_in_vain(false);
    spacing.is_within_target();
    EXPECT_EQ(spacing.wait(), 10s);
}

}  // namespace
}  // namespace aerostat::agent
