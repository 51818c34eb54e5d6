#include "cli/figures.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/builders.h"

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;

JvmView a_jvm(Bytes live, Bytes footprint, std::optional<Bytes> target) {
    JvmView jvm;
    jvm.report = aerostat::testing::a_report();
    jvm.report.ceiling = 1000_MiB;
    jvm.report.live = live;
    jvm.report.footprint.resident = footprint;
    jvm.report.target.reset();
    jvm.target = target;
    return jvm;
}

TEST(Figures, ShowUnknownAsADashAndNeverAsZero) {
    EXPECT_EQ(show(std::optional<Bytes>()), "-");
    EXPECT_EQ(show(std::optional<Bytes>(0_B)), "0 B");
    EXPECT_EQ(show_millis(std::nullopt), "-");
    EXPECT_EQ(show_count(std::nullopt), "-");
    EXPECT_EQ(show_price(std::optional<double>()), "-");
}

TEST(Figures, ShowAPriceWithItsUnit) {
    EXPECT_EQ(show_price(0.0), "0");
    EXPECT_EQ(show_price(0.000001), "<0.01 ms/s");
    EXPECT_EQ(show_price(0.00125), "1.25 ms/s");
    EXPECT_EQ(show_price(0.25), "250 ms/s");
    EXPECT_EQ(show_price(std::numeric_limits<double>::infinity()), "-");
}

TEST(Figures, ShowCpuAsAShareOfOneCore) {
    EXPECT_EQ(show_cpu(0.0312), "3.1 %");
    EXPECT_EQ(show_cpu(1.5), "150.0 %");
}

TEST(Bar, ShowsLiveDataUsedHeapAndTargetToScale) {
    EXPECT_EQ(show_bar(a_jvm(200_MiB, 500_MiB, 700_MiB), 12), "[##===..|..]");
    EXPECT_EQ(show_bar(a_jvm(0_B, 0_B, std::nullopt), 12), "[..........]");
    EXPECT_EQ(show_bar(a_jvm(1000_MiB, 1000_MiB, 1000_MiB), 12), "[##########]");
}

TEST(Bar, StaysInItsPlaceWhateverIsReported) {
    EXPECT_EQ(show_bar(a_jvm(9_GiB, 5_GiB, 0_B), 12), "[|#########]");
    JvmView jvm = a_jvm(1_GiB, 0_B, 5_GiB);
    jvm.report.ceiling = 0_B;
    EXPECT_EQ(show_bar(jvm, 12), "[..........]");
    EXPECT_EQ(show_bar(jvm, 2), "");
}

TEST(Figures, PreferTheDaemonsTargetToTheAgents) {
    JvmView jvm = a_jvm(1_MiB, 2_MiB, std::nullopt);
    EXPECT_FALSE(target_of(jvm));
    jvm.report.target = HeapTarget{3_MiB};
    EXPECT_EQ(target_of(jvm), 3_MiB);
    jvm.target = 4_MiB;
    EXPECT_EQ(target_of(jvm), 4_MiB);
}

}  // namespace
}  // namespace aerostat::cli
