#include "guest-balloon/decide/sane_report.h"

#include <gtest/gtest.h>

#include <cmath>

#include "contract/codec.h"
#include "tests/support/builders.h"

namespace aerostat::guest {
namespace {

using namespace literals;
using aerostat::testing::a_report;

TEST(SaneReport, LeavesATruthfulReportAlone) {
    const JvmReport claimed = a_report();
    const JvmReport sane = sane_report(claimed, {});
    EXPECT_EQ(sane.footprint, claimed.footprint);
    EXPECT_EQ(sane.floor, claimed.floor);
    EXPECT_EQ(sane.ceiling, claimed.ceiling);
    EXPECT_EQ(sane.curve, claimed.curve);
}

TEST(SaneReport, OrdersFloorCeilingAndHeap) {
    JvmReport claimed = a_report();
    claimed.floor = Bytes(Bytes::kLimit);
    claimed.ceiling = Bytes(Bytes::kLimit);
    claimed.used = Bytes(Bytes::kLimit);
    const JvmReport sane = sane_report(claimed, {});
    EXPECT_EQ(sane.ceiling, claimed.facts.max_heap);
    EXPECT_EQ(sane.floor, sane.ceiling);
    EXPECT_EQ(sane.used, claimed.facts.max_heap);
}

TEST(SaneReport, DoesNotBelieveAFootprintLargerThanTheProcess) {
    const JvmReport sane = sane_report(a_report(), OutsideView{400_MiB, {}});
    EXPECT_EQ(sane.footprint.resident, 564_MiB);  // a quarter and 64 MiB more than was measured
    EXPECT_LE(sane.releasable, sane.footprint.resident);
}

TEST(SaneReport, AllowsForGrowthSinceAnOldMeasurement) {
    const JvmReport sane = sane_report(a_report(), OutsideView{400_MiB, std::chrono::seconds(5)});
    EXPECT_EQ(sane.footprint.resident, 3_GiB);
}

TEST(SaneReport, MakesRatesFiniteAndTextsShort) {
    JvmReport claimed = a_report();
    claimed.gc_cpu = -std::numeric_limits<double>::infinity();
    claimed.alloc_bytes_per_s = std::nan("");
    claimed.refill_bytes_per_s = 1e300;
    claimed.distress = std::string(500, '\x1b');
    claimed.levers.assign(WireLimits::kLevers, std::string(500, 'x'));
    claimed.held = std::string(500, '\x1b');
    const JvmReport sane = sane_report(claimed, {});
    EXPECT_EQ(sane.gc_cpu, 0);
    EXPECT_EQ(sane.alloc_bytes_per_s, 0);
    EXPECT_EQ(sane.refill_bytes_per_s, 1e15);
    EXPECT_EQ(sane.distress.find('\x1b'), std::string::npos);
    EXPECT_LE(sane.distress.size(), 124U);
    EXPECT_LE(sane.levers[0].size(), 68U);
    EXPECT_EQ(sane.held.find('\x1b'), std::string::npos);
    EXPECT_LE(sane.held.size(), 124U);
}

TEST(SaneReport, CutsACostThatNobodyCouldPayAndKeepsTheRestOfTheCurve) {
    JvmReport claimed = a_report();
    claimed.curve = *CostCurve::make({{330_MiB, 1e300}, {1_GiB, 2}, {4_GiB, 0}});
    EXPECT_EQ(sane_report(claimed, {}).curve, *CostCurve::make({{330_MiB, 1e6}, {1_GiB, 2}, {4_GiB, 0}}));
}

TEST(SaneReport, KnowsHowSureACurveCanBe) {
    JvmReport claimed = a_report();
    EXPECT_EQ(sane_report(claimed, {}).curve_seen, claimed.curve_seen);
    claimed.curve_seen = Millis(10'000'000);
    EXPECT_EQ(sane_report(claimed, {}).curve_seen, Millis(60'000));
    claimed.curve_seen.reset();
    EXPECT_FALSE(sane_report(claimed, {}).curve_seen);
}

TEST(SlimReport, IsNeverCheaperThanTheWholeOne) {
    const JvmReport whole = a_report();
    const JvmReport slim = slim_report(whole, 4);
    EXPECT_EQ(slim.curve.points().size(), 4U);
    EXPECT_EQ(slim.curve.floor(), whole.curve.floor());
    EXPECT_EQ(slim.curve.ceiling(), whole.curve.ceiling());
    for (Bytes m = 330_MiB; m < 4_GiB; m += 97_MiB) EXPECT_GE(slim.curve.evaluate(m), whole.curve.evaluate(m) * 0.999999);
}

}  // namespace
}  // namespace aerostat::guest
