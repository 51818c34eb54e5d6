#include "jvm-agent/decide/overshoot.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace aerostat::agent
