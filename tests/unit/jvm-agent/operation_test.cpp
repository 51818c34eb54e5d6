#include "jvm-agent/decide/operation.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;

Operation operation() {
    Operation running;
    running.order.op = "a";
    running.order.target = {300_MiB};
    running.resident_before = 500_MiB;
    running.releases_before = 2;
    return running;
}

EndSight tried() { return {CollectionKind::young_and_marking, LeverPhase::spent, false, 1_MiB, 2}; }

TEST(Operation, AnswersWithWhatWentAndWhatIsMissing) {
    const OperationResult part = operation().answer(EndReason::deadline, "why", 350_MiB);
    EXPECT_EQ(part.op, "a");
    EXPECT_EQ(part.asked, 200_MiB);
    EXPECT_EQ(part.obtained, 150_MiB);
    EXPECT_EQ(part.shortfall, 50_MiB);
    EXPECT_EQ(part.reason, EndReason::deadline);
    EXPECT_EQ(part.detail, "why");
    EXPECT_EQ(operation().answer(EndReason::deadline, {}, 290_MiB).reason, EndReason::met) << "just in time";
    EXPECT_TRUE(operation().answer(EndReason::floor, {}, 510_MiB).obtained.is_zero());
}

TEST(Operation, FindsAFloorOnlyWhereAllWasTriedAndNothingHurt) {
    const OperationResult floor = operation().answer(EndReason::floor, {}, 350_MiB);
    EXPECT_TRUE(operation().has_found_floor(floor, tried()));
    EndSight seen = tried();
    seen.guard_releases = 3;
    EXPECT_FALSE(operation().has_found_floor(floor, seen));
    seen = tried();
    seen.levers = LeverPhase::unused;
    EXPECT_FALSE(operation().has_found_floor(floor, seen));
    seen = tried();
    seen.kind = CollectionKind::stop_the_world;
    EXPECT_FALSE(operation().has_found_floor(floor, seen)) << "a later try may obtain more";
    Operation again = operation();
    again.same_try = true;
    EXPECT_FALSE(again.has_found_floor(floor, tried()));
}

TEST(Operation, ThatADeadlineEndsFindsOneOnlyIfCyclesBroughtNothing) {
    EndSight seen = tried();
    const OperationResult nothing = operation().answer(EndReason::deadline, {}, 500_MiB);
    EXPECT_FALSE(operation().has_found_floor(nothing, seen));
    seen.exhausted = true;
    EXPECT_TRUE(operation().has_found_floor(nothing, seen));
    EXPECT_FALSE(operation().has_found_floor(operation().answer(EndReason::deadline, {}, 400_MiB), seen));
    EXPECT_FALSE(operation().has_found_floor(operation().answer(EndReason::met, {}, 300_MiB), seen));
}

}  // namespace
}  // namespace aerostat::agent
