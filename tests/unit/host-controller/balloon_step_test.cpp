#include "host-controller/decide/balloon_step.h"

#include <gtest/gtest.h>

namespace aerostat::host {
namespace {

using namespace literals;
using namespace std::chrono_literals;

BalloonSight taking() {
    BalloonSight seen;
    seen.maximum = 1024_MiB;
    seen.actual = 1024_MiB;
    seen.goal = 768_MiB;
    seen.available = 600_MiB;
    seen.left = 5s;
    return seen;
}

TEST(BalloonStep, TakesInBoundedSteps) {
    BalloonSight seen = taking();
    BalloonStep step = next_balloon_step(seen);
    EXPECT_EQ(step.action, BalloonAction::order);
    EXPECT_EQ(step.target, 896_MiB);
    seen.ordered = step.target;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::wait) << "one step outstanding at a time";
    seen.actual = 896_MiB;
    EXPECT_EQ(next_balloon_step(seen).target, 768_MiB);
    seen.actual = 768_MiB;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::met);
}

TEST(BalloonStep, StaysWithinWhatTheGuestCanSpare) {
    BalloonSight seen = taking();
    seen.available = guest_reserve(seen.maximum) + 20_MiB;
    EXPECT_EQ(next_balloon_step(seen).target, 1004_MiB);
    seen.available = guest_reserve(seen.maximum) + 1_MiB;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::wait) << "it may free some, and its figures are a second old";
    seen.since_progress = 3s;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::end);
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::guest_pressure);
}

TEST(BalloonStep, AGuestThatSaysNothingHasNothingToSpare) {
    BalloonSight seen = taking();
    seen.available = 0_B;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::wait);
}

TEST(BalloonStep, EndsAtTheDeadlineWhateverIsOutstanding) {
    BalloonSight seen = taking();
    seen.ordered = 896_MiB;
    seen.actual = 950_MiB;
    seen.left = 0s;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::end);
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::deadline);
    seen.actual = seen.goal;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::met);
}

TEST(BalloonStep, ABalloonOfPiecesIsThereWithinOneOfThem) {
    BalloonSight seen = taking();
    seen.ordered = seen.goal;
    seen.actual = seen.goal + Bytes((2ULL << 20) - 4096);
    seen.since_progress = 5s;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::guest_pressure);
    seen.grain = 2_MiB;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::met);
    seen.actual = saturating_sub(seen.goal, 2_MiB);  // giving back goes in pieces, too
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::met);
}

TEST(BalloonStep, ADriverThatFindsNoPagesEndsTheMove) {
    BalloonSight seen = taking();
    seen.ordered = 896_MiB;
    seen.actual = 1000_MiB;
    seen.since_progress = 1s;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::wait);
    seen.since_progress = 2s;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::guest_pressure);
}

TEST(BalloonStep, GivesAllInOneStep) {
    BalloonSight seen = taking();
    seen.actual = 256_MiB;
    seen.goal = 1024_MiB;
    seen.available = 0_B;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::order);
    EXPECT_EQ(next_balloon_step(seen).target, 1024_MiB);
    seen.ordered = 1024_MiB;
    EXPECT_EQ(next_balloon_step(seen).action, BalloonAction::wait);
    seen.since_progress = 2s;
    EXPECT_EQ(next_balloon_step(seen).reason, EndReason::stuck);
}

TEST(BalloonStep, NoStepIsLargerThanThePromiseWhateverTheFigures) {
    for (std::uint64_t actual = 0; actual <= 1100; actual += 37) {
        for (std::uint64_t goal = 0; goal <= 1024; goal += 61) {
            for (std::uint64_t available = 0; available <= 1024; available += 53) {
                BalloonSight seen = taking();
                seen.actual = Bytes(actual << 20);
                seen.goal = Bytes(goal << 20);
                seen.available = Bytes(available << 20);
                const BalloonStep step = next_balloon_step(seen);
                if (step.action != BalloonAction::order || step.target >= seen.actual) continue;
                const Bytes taken = saturating_sub(seen.actual, step.target);
                EXPECT_LE(taken, kLargestBalloonStep);
                EXPECT_LE(taken + guest_reserve(seen.maximum), seen.available);
                EXPECT_GE(step.target, seen.goal);
            }
        }
    }
}

}  // namespace
}  // namespace aerostat::host
