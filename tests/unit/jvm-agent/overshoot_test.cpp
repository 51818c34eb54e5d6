#include "jvm-agent/decide/overshoot.h"

#include <gtest/gtest.h>

#include "jvm-agent/decide/soft_overshoot.h"

namespace aerostat::agent {
namespace {

using namespace literals;

TEST(Overshoot, IsWhatComesBackBetweenTwoTimesThatItIsMadeSmaller) {
    Overshoot overshoot;
    EXPECT_TRUE(overshoot.expected(1_GiB).is_zero());
    for (const Bytes committed : {1000_MiB, 700_MiB, 500_MiB}) overshoot.observe(committed);
    EXPECT_TRUE(overshoot.expected(1_GiB).is_zero()) << "that it was large before is none";
    for (int i = 0; i < 10; ++i) {
        overshoot.observe(520_MiB);
        overshoot.observe(530_MiB);
        overshoot.observe(500_MiB);
    }
    EXPECT_GE(overshoot.expected(1_GiB), 29_MiB);
    EXPECT_LE(overshoot.expected(1_GiB), 30_MiB);
}

TEST(Overshoot, IsNeverTakenForMoreThanAFewPercentOfTheTarget) {
    Overshoot overshoot;
    for (int i = 0; i < 10; ++i) {
        overshoot.observe(900_MiB);
        overshoot.observe(500_MiB);
    }
    EXPECT_LE(overshoot.expected(500_MiB), 40_MiB);
    for (int i = 0; i < 10; ++i) {
        overshoot.observe(502_MiB);
        overshoot.observe(500_MiB);
    }
    EXPECT_LE(overshoot.expected(500_MiB), 3_MiB) << "it is forgotten again";
}

TEST(SoftOvershoot, IsTheMostOfLateAndFades) {
    SoftOvershoot overshoot;
    EXPECT_TRUE(overshoot.expected(800_MiB).is_zero());
    TimePoint now{std::chrono::hours(1)};
    overshoot.observe(840_MiB, 800_MiB, now);
    EXPECT_EQ(overshoot.expected(800_MiB), 40_MiB);
    overshoot.observe(500_MiB, 800_MiB, now += std::chrono::milliseconds(100));
    EXPECT_EQ(overshoot.expected(800_MiB), 40_MiB) << "not by one look";
    for (int i = 0; i < 60; ++i) overshoot.observe(500_MiB, 800_MiB, now += std::chrono::seconds(1));
    EXPECT_LE(overshoot.expected(800_MiB), 2_MiB);
    overshoot.observe(2_GiB, 800_MiB, now);
    EXPECT_EQ(overshoot.expected(800_MiB), 100_MiB) << "an eighth of the target at most";
}

}  // namespace
}  // namespace aerostat::agent
