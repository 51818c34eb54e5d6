#include "host-controller/sense/guest_register.h"

#include <gtest/gtest.h>

#include "tests/unit/host-controller/guest_reports.h"

namespace aerostat::host {
namespace {

TEST(GuestRegister, ChargesPageCacheWhereItCanBeMoved) {
    sense::GuestRegister guests;
    const std::string id = local::ProcessGroup{0, 0, "/web"}.text();
    ASSERT_TRUE(guests.join(id, "web", 1, kStart));
    GuestReport report = a_container_report();
    guests.take_report(id, report, kStart);
    GuestResidency seen{800_MiB, 2, 0, ContainerBooks{1500_MiB, 600_MiB}};
    ASSERT_FALSE(guests.take_measurement(id, seen, kStart));
    const GuestSeen guest = guests.snapshot(8_GiB, kStart).guests.at(0);
    EXPECT_EQ(guest.charged, 1500_MiB) << "all that the kernel charges it";
    EXPECT_EQ(guest.fixed, Bytes());
    ASSERT_EQ(guest.layers.size(), 2U);
    EXPECT_EQ(guest.layers[1].name, kOsLayer);
    EXPECT_EQ(guest.layers[1].footprint, 1000_MiB);
    report.os->can_move = false;
    guests.take_report(id, report, kStart);
    EXPECT_EQ(guests.snapshot(8_GiB, kStart).guests.at(0).charged, 800_MiB)
        << "cache that nobody here may move is the kernel's";
}

TEST(GuestRegister, TheSameIdentityRejoiningIsTheSameGuest) {
    sense::GuestRegister guests;
    EXPECT_EQ(*guests.join(session(1), "shop", 1, kStart), "shop");
    EXPECT_EQ(*guests.join(session(2), "shop", 2, kStart), "shop~2");
    guests.lose(session(1));
    EXPECT_EQ(*guests.join(session(1), "shop", 1, kStart), "shop");
    EXPECT_EQ(*guests.join(session(2), "shop", 2, kStart), "shop~2");
    EXPECT_EQ(guests.guests().size(), 2U);
}

TEST(GuestRegister, KnowsSinceWhenAJvmIsReportedAlsoWhereItGoesAndComesBack) {
    sense::GuestRegister guests;
    const std::string id = session(1);
    ASSERT_TRUE(guests.join(id, "shop", 1, kStart));
    const auto heap = [&](std::string name, Duration at) {
        GuestReport report = a_guest_report(300_MiB);
        report.jvms[0].name = std::move(name);
        report.jvms[0].curve_seen = Millis(4'000);
        guests.take_report(id, report, kStart + at);
        EXPECT_FALSE(guests.take_measurement(id, {400_MiB, 2, 0}, kStart + at));
        return guests.snapshot(8_GiB, kStart + at).guests.at(0).layers.at(0);
    };
    EXPECT_EQ(heap("a", 0s).known_for, 0s);
    EXPECT_EQ(heap("a", 9s).known_for, 9s);
    EXPECT_EQ(heap("a", 9s).curve_seen, 4s);
    EXPECT_EQ(heap("b", 20s).known_for, 0s);
    EXPECT_EQ(heap("a", 40s).known_for, 40s);
    EXPECT_EQ(heap("a", 20min).known_for, 0s) << "by that name another";
    for (int i = 0; i < 400; ++i) heap("n" + std::to_string(i), 21min);
    EXPECT_FALSE(heap("one-more", 21min).known_for) << "who changes names all the time is not new";
}

TEST(GuestRegister, KeepsNamesWithinTheirLength) {
    sense::GuestRegister guests;
    const std::string longest(64, 'x');
    EXPECT_EQ(*guests.join(session(1), longest, 1, kStart), longest);
    EXPECT_EQ(guests.join(session(2), longest, 12345, kStart)->size(), 64U);
    EXPECT_FALSE(guests.join(session(3), "a~b", 3, kStart));
}

TEST(GuestRegister, ChargesWhatIsMeasuredAndForgetsAGuestWithoutProcesses) {
    sense::GuestRegister guests;
    const std::string id = session(1);
    ASSERT_TRUE(guests.join(session(1), "shop", 1, kStart));
    EXPECT_TRUE(guests.snapshot(8_GiB, kStart).guests.empty()) << "not measured yet";
    guests.take_report(id, a_guest_report(300_MiB), kStart);
    EXPECT_FALSE(guests.take_measurement(id, {400_MiB, 2, 0}, kStart));
    const auto seen = guests.snapshot(8_GiB, kStart).guests.at(0);
    EXPECT_EQ(seen.charged, 400_MiB);
    EXPECT_EQ(seen.fixed, 100_MiB);
    EXPECT_TRUE(seen.connected);
    EXPECT_FALSE(guests.take_measurement(id, {Bytes(), 0, 0}, kStart)) << "still connected";
    guests.lose(id);
    EXPECT_TRUE(guests.take_measurement(id, {Bytes(), 0, 0}, kStart));
    EXPECT_EQ(guests.find(id), nullptr);
}

TEST(GuestRegister, AGuestWhoseReportsStopCountsAsLost) {
    sense::GuestRegister guests;
    const std::string id = session(1);
    ASSERT_TRUE(guests.join(session(1), "shop", 1, kStart));
    guests.take_report(id, a_guest_report(300_MiB), kStart);
    EXPECT_FALSE(guests.take_measurement(id, {400_MiB, 2, 0}, kStart));
    EXPECT_FALSE(guests.snapshot(8_GiB, kStart + 11s).guests.at(0).connected);
}

TEST(GuestRegister, TakesOutWhatAHeapMovedBetweenReportAndMeasurement) {
    sense::GuestRegister guests;
    const std::string id = session(1);
    ASSERT_TRUE(guests.join(session(1), "shop", 1, kStart));
    for (const Bytes charged : {400_MiB, 400_MiB, 900_MiB, 400_MiB, 400_MiB}) {
        guests.take_report(id, a_guest_report(300_MiB), kStart);
        EXPECT_FALSE(guests.take_measurement(id, {charged, 2, 0}, kStart));
    }
    EXPECT_EQ(guests.snapshot(8_GiB, kStart).guests.at(0).fixed, 100_MiB);
}

}  // namespace
}  // namespace aerostat::host
