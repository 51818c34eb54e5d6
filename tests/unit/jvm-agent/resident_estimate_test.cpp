#include "jvm-agent/decide/resident_estimate.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr TimePoint kLook{1h};

ResidentEstimate looked_at(Bytes resident) {
    ResidentEstimate estimate;
    estimate.looked(resident, kLook);
    return estimate;
}

TEST(ResidentEstimate, IsFreshForAMomentAfterALook) {
    EXPECT_FALSE(ResidentEstimate().is_known());
    const ResidentEstimate estimate = looked_at(100_MiB);
    EXPECT_TRUE(estimate.is_known() && estimate.is_measured());
    EXPECT_TRUE(estimate.is_fresh(kLook + 99ms));
    EXPECT_FALSE(estimate.is_fresh(kLook + 100ms));
    EXPECT_TRUE(estimate.is_guess(kLook + 499ms));
    EXPECT_FALSE(estimate.is_guess(kLook + 500ms));
}

TEST(ResidentEstimate, RisesWithWhatIsOccupiedAndIsNoMeasurementThen) {
    ResidentEstimate estimate = looked_at(100_MiB);
    estimate.occupied(80_MiB);
    EXPECT_EQ(estimate.bytes(), 100_MiB);
    EXPECT_TRUE(estimate.is_measured());
    estimate.occupied(120_MiB);
    EXPECT_EQ(estimate.bytes(), 120_MiB);
    EXPECT_FALSE(estimate.is_measured());
}

TEST(ResidentEstimate, StaysAGuessAfterACollectionThatUncommitsNothing) {
    for (const bool uncommits : {false, true}) {
        ResidentEstimate estimate = looked_at(100_MiB);
        estimate.collected(uncommits);
        EXPECT_FALSE(estimate.is_fresh(kLook));
        EXPECT_EQ(estimate.is_guess(kLook), !uncommits);
    }
}

TEST(ResidentEstimate, IsAGuessWhileNothingButChunksThatCountComes) {
    ResidentEstimate estimate = looked_at(100_MiB);
    estimate.inflated(30_MiB, true);
    EXPECT_EQ(estimate.bytes(), 70_MiB);
    EXPECT_TRUE(estimate.is_guess(kLook) && !estimate.is_fresh(kLook));
    estimate.inflated(30_MiB, false);
    EXPECT_EQ(estimate.bytes(), 70_MiB) << "of what those are made nobody knows";
    EXPECT_FALSE(estimate.is_guess(kLook));
    estimate.inflated(30_MiB, true);
    EXPECT_FALSE(estimate.is_guess(kLook)) << "only a look makes one of it";
}

}  // namespace
}  // namespace aerostat::agent
