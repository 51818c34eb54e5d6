#include "host-controller/sense/report_check.h"

#include <gtest/gtest.h>

#include <random>

#include "host-controller/sense/guest_register.h"
#include "host-controller/sense/os_check.h"
#include "tests/unit/host-controller/guest_reports.h"

namespace aerostat::host {
namespace {

TEST(ReportCheck, FootprintsCannotSumUpToMoreThanIsMeasured) {
    GuestReport report = a_guest_report(3_GiB);
    report.jvms.push_back(report.jvms[0]);
    report.jvms[1].name = "second";
    const auto layers = sense::believable_layers(report, 1_GiB, 8_GiB);
    ASSERT_EQ(layers.size(), 2U);
    EXPECT_LE(layers[0].footprint + layers[1].footprint, 1_GiB);
    EXPECT_EQ(layers[0].footprint, 512_MiB);
}

TEST(ReportCheck, AFloorIsOnlyBelievedNearWhatIsHeld) {
    GuestReport report = a_guest_report(100_MiB, 64_GiB);
    report.jvms[0].floor = 32_GiB;
    report.jvms[0].curve = CostCurve::hyperbola(1e9, 16_GiB, 32_GiB, 64_GiB);
    const auto layers = sense::believable_layers(report, 200_MiB, 8_GiB);
    EXPECT_LE(layers[0].floor, 164_MiB);
    EXPECT_LE(layers[0].ceiling, 8_GiB);
    EXPECT_LE(layers[0].floor, layers[0].ceiling);
    EXPECT_EQ(layers[0].curve.floor(), layers[0].floor);
}

TEST(ReportCheck, ASecondJvmOfOneNameIsDropped) {
    GuestReport report = a_guest_report(100_MiB);
    report.jvms.push_back(report.jvms[0]);
    EXPECT_EQ(sense::believable_layers(report, 1_GiB, 8_GiB).size(), 1U);
}

TEST(OsCheck, AContainersLayerIsWhatIsMeasuredWithTheGuestsPrices) {
    const GuestReport report = a_container_report();
    const auto heaps = sense::believable_layers(report, 2_GiB, 8_GiB);
    const auto os = sense::believable_os_layer(report, {1100_MiB, 700_MiB, std::nullopt}, heaps, 8_GiB);
    ASSERT_TRUE(os);
    EXPECT_EQ(os->kind, LayerKind::guest_os);
    EXPECT_TRUE(os->from_inside);
    EXPECT_EQ(os->footprint, 1100_MiB);
    EXPECT_EQ(os->floor, 500_MiB) << "600 MiB of cache are above it";
    EXPECT_NEAR(os->curve.evaluate(500_MiB), 2.0, 0.01) << "what would have to be swapped is not for sale";
    EXPECT_EQ(os->curve.evaluate(1100_MiB), 0);
    EXPECT_EQ(os->ceiling, 1200_MiB);
    EXPECT_FALSE(os->target);
}

TEST(OsCheck, TheKernelsBooksBoundWhatAContainerClaimsToHaveInItsCache) {
    const GuestReport report = a_container_report();
    const auto heaps = sense::believable_layers(report, 2_GiB, 8_GiB);
    const auto os = sense::believable_os_layer(report, {1100_MiB, 50_MiB, std::nullopt}, heaps, 8_GiB);
    EXPECT_EQ(os->floor, 1050_MiB);
    EXPECT_FALSE(sense::believable_os_layer(report, {1100_MiB, std::nullopt, std::nullopt}, heaps, 8_GiB))
        << "a session of processes has no books of its own: its word counts for nothing";
}

TEST(OsCheck, WhatApplicationsOfferCountsAsFarAsItIsThere) {
    GuestReport report = a_container_report();
    const auto heaps = sense::believable_layers(report, 1_GiB, 8_GiB);
    const auto plain = sense::believable_os_layer(report, {1100_MiB, 50_MiB, std::nullopt}, heaps, 8_GiB);
    report.os->offered = 100_MiB;
    const auto more = sense::believable_os_layer(report, {1100_MiB, 50_MiB, std::nullopt}, heaps, 8_GiB);
    EXPECT_EQ(more->floor + 100_MiB, plain->floor);
    report.os->offered = Bytes(Bytes::kLimit);
    const auto most = sense::believable_os_layer(report, {1100_MiB, 50_MiB, std::nullopt}, heaps, 8_GiB);
    EXPECT_EQ(most->floor, 500_MiB) << "no more than lies above the guest's own floor";
    EXPECT_LE(most->floor, more->floor);
}

TEST(OsCheck, AHoldIsInForceAsFarAsItIsNotTheHeaps) {
    GuestReport report = a_container_report();
    report.os->target = 1500_MiB;
    const auto heaps = sense::believable_layers(report, 2_GiB, 8_GiB);
    EXPECT_EQ(sense::believable_os_layer(report, {1_GiB, 700_MiB, std::nullopt}, heaps, 8_GiB)->target, 476_MiB)
        << "the heap may hold 1 GiB of it";
}

TEST(OsCheck, OfAVirtualMachineTheBalloonTellsWhatIsLeft) {
    GuestReport report = a_container_report();
    report.os->can_move = false;
    report.memory_total = 1624_MiB;
    const auto heaps = sense::believable_layers(report, 2_GiB, 8_GiB);
    OsBalloon balloon{4_GiB, 1664_MiB, std::nullopt, {}, true};
    const auto tight = sense::believable_os_layer(report, {1_GiB, std::nullopt, balloon}, heaps, 8_GiB);
    EXPECT_FALSE(tight->from_inside);
    EXPECT_EQ(tight->floor, 464_MiB) << "with 40 MiB that the guest's kernel does not count";
    EXPECT_EQ(tight->target, 640_MiB);
    balloon.actual = 4_GiB;
    EXPECT_FALSE(sense::believable_os_layer(report, {1_GiB, std::nullopt, balloon}, heaps, 8_GiB)->target)
        << "an empty balloon holds nobody";
}

TEST(OsCheck, ABalloonThatHoldsTheOsDownGoesOnDoingSoUntilThereIsMuchMoreRoom) {
    GuestReport report = a_container_report();
    report.os->can_move = false;
    report.memory_total = 4_GiB;
    report.jvms.clear();
    sense::GuestRegister guests;
    guests.remember("domain:vm", "vm");
    const auto bound_at = [&](Bytes actual) {
        guests.take_report("domain:vm", report, kStart);
        EXPECT_FALSE(guests.take_measurement("domain:vm", {1_GiB, 1}, kStart));
        guests.take_balloon("domain:vm", {4_GiB, actual, std::nullopt, {}, true});
        const HostSnapshot seen = guests.snapshot(8_GiB, kStart);
        return seen.guests.at(0).layers.at(0).target.has_value();
    };
    EXPECT_FALSE(bound_at(1200_MiB)) << "128 MiB of room and more";
    EXPECT_TRUE(bound_at(1100_MiB));
    EXPECT_TRUE(bound_at(1200_MiB)) << "what it holds may have gone down a little";
    EXPECT_FALSE(bound_at(1300_MiB));
    EXPECT_FALSE(bound_at(1200_MiB));
}

TEST(OsCheck, AnyFiguresMakeALayerThatHoldsTogether) {
    std::mt19937_64 random(5);
    const auto any = [&] { return Bytes(random() >> (random() % 64)); };
    for (int round = 0; round < 20'000; ++round) {
        GuestReport report = a_guest_report(any());
        report.memory_total = any();
        OsReport os;
        os.size = any();
        os.floor = any();
        os.spare = any();
        os.taken = any();
        os.can_move = random() % 2 == 0;
        if (random() % 2 == 0) os.target = any();
        const Bytes low = any();
        os.curve = CostCurve::make({{low, 1.0}, {low + any() + Bytes(1), 0.0}}).value_or(CostCurve());
        report.os = os;
        sense::OsOutside outside{std::min(any(), 64_GiB), any(), std::nullopt};
        if (random() % 2 == 0) outside.os_balloon = OsBalloon{any(), any(), std::nullopt, {}, true};
        const auto heaps = sense::believable_layers(report, outside.holds, 8_GiB);
        const auto layer = sense::believable_os_layer(report, outside, heaps, 8_GiB);
        if (!layer) continue;
        EXPECT_LE(layer->floor, outside.holds);
        EXPECT_LE(layer->floor, layer->ceiling);
        EXPECT_LE(layer->ceiling, 8_GiB);
        EXPECT_EQ(layer->curve.floor(), layer->floor);
        if (os.can_move) {
            EXPECT_LE(saturating_sub(outside.holds, layer->floor), *outside.cache);
        }
    }
}

}  // namespace
}  // namespace aerostat::host
