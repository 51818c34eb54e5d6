#include <gtest/gtest.h>

#include <future>
#include <random>

#include "host-controller/backend/measure_pool.h"
#include "host-controller/local/group_gauge.h"
#include "host-controller/sense/guest_register.h"
#include "host-controller/sense/os_check.h"
#include "host-controller/sense/report_check.h"
#include "tests/support/builders.h"
#include "tests/support/fake_root.h"

namespace aerostat::host {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;
using local::Place;
using local::ProcessGroup;

constexpr TimePoint kStart{std::chrono::hours(1)};

GuestId session(pid_t sid) { return ProcessGroup{sid, 99, ""}.text(); }

GuestReport a_guest_report(Bytes footprint, Bytes ceiling = 4_GiB) {
    GuestReport report;
    report.jvms.push_back(aerostat::testing::a_report("shop"));
    report.jvms[0].footprint = {footprint};
    report.jvms[0].ceiling = ceiling;
    return report;
}

TEST(Identity, IsTheCgroupWhenTheDaemonIsOutsideIt) {
    const auto group = local::group_of(Place{10, 10, 5, "/guests/shop"}, Place{1, 1, 1, "/system/hostd"});
    EXPECT_EQ(group->text(), "cgroup:/guests/shop");
}

TEST(Identity, IsTheSessionInTheDaemonsOwnCgroup) {
    EXPECT_EQ(local::group_of(Place{10, 9, 5, "/"}, Place{1, 1, 1, "/"})->text(), "session:9:5");
}

TEST(Identity, IsNeverACgroupThatHoldsTheDaemonToo) {
    EXPECT_EQ(local::group_of(Place{10, 9, 5, "/"}, Place{1, 1, 1, "/system/hostd"})->text(), "session:9:5");
}

TEST(Identity, OneWhoSharesBothIsRefusedWithAdvice) {
    const auto group = local::group_of(Place{10, 1, 1, "/"}, Place{1, 1, 1, "/"});
    ASSERT_FALSE(group);
    EXPECT_NE(group.error().message.find("setsid"), std::string::npos);
}

TEST(Identity, ReadsItsOwnTextBackAndNothingElse) {
    for (const char* text : {"session:9:5", "cgroup:/a/b"}) EXPECT_EQ(local::parse_group(text)->text(), text);
    for (const char* text : {"", "session:", "session:9", "session:-1:5", "session:9:5x", "cgroup:", "cgroup:a", "pid:3"}) {
        EXPECT_FALSE(local::parse_group(text)) << text;
    }
}

TEST(Identity, CountsProcessesInCgroupsBelow) {
    const ProcessGroup group{0, 0, "/a"};
    EXPECT_TRUE(local::belongs(group, 1, "/a"));
    EXPECT_TRUE(local::belongs(group, 1, "/a/b"));
    EXPECT_FALSE(local::belongs(group, 1, "/ab"));
    EXPECT_TRUE(local::belongs(ProcessGroup{7, 99, ""}, 7, "/anything"));
    EXPECT_FALSE(local::belongs(ProcessGroup{7, 99, ""}, 8, ""));
}

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

/// 1 GiB outside the heaps, of which 600 MiB are cache by its own word; 100 MiB more are free.
GuestReport a_container_report() {
    GuestReport report = a_guest_report(500_MiB);
    OsReport os;
    os.size = 1124_MiB;
    os.spare = 100_MiB;
    os.floor = 424_MiB;
    os.can_move = true;
    os.curve = *CostCurve::make({{300_MiB, 100.0}, {424_MiB, 2.0}, {1_GiB, 0.0}, {1124_MiB, 0.0}});
    report.os = os;
    return report;
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

TEST(GuestRegister, ChargesPageCacheWhereItCanBeMoved) {
    sense::GuestRegister guests;
    const std::string id = ProcessGroup{0, 0, "/web"}.text();
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

TEST(GroupGauge, ReadsAContainersBooks) {
    const aerostat::testing::FakeRoot root;
    root.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    root.write("/sys/fs/cgroup/web/memory.current", "1000000\n");
    root.write("/sys/fs/cgroup/web/memory.stat",
               "anon 100000\nshmem 50000\nfile_mapped 150000\nactive_file 300000\ninactive_file 200000\n");
    const auto books = local::books_of("/web", root.path);
    ASSERT_TRUE(books);
    EXPECT_EQ(books->holds, Bytes(1'000'000));
    EXPECT_EQ(books->cache, Bytes(400'000)) << "what is mapped from files is in PSS already";
    EXPECT_FALSE(local::books_of("/other", root.path));
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

TEST(MeasurePool, AnswersEachQuestionWithAMeasurementBegunAfterIt) {
    asio::io_context loop;
    std::atomic<std::uint64_t> measured{0};
    MeasurePool pool(loop, [&](const GuestId&, Look) {
        return Result<GuestResidency>(GuestResidency{Bytes(++measured), 1, 0});
    });
    std::vector<std::uint64_t> answers;
    const auto note = [&](const Result<GuestResidency>& seen) {
        answers.push_back(seen->charged.count());
        if (answers.size() == 3) loop.stop();
    };
    pool.ask(session(1), note);
    pool.ask(session(1), note);
    pool.ask(session(1), note);
    EXPECT_TRUE(pool.is_busy(session(1)));
    const auto work = asio::make_work_guard(loop);
    loop.run_for(10s);
    EXPECT_EQ(answers, (std::vector<std::uint64_t>{1, 2, 2}));
}

TEST(MeasurePool, OneForSeveralIsAsCloseAsTheOneThatWantsMost) {
    asio::io_context loop;
    MeasurePool pool(
        loop,
        [](const GuestId&, Look look) {
            return Result<GuestResidency>(GuestResidency{Bytes(look == Look::closely), 1, 0});
        },
        1);
    std::vector<std::uint64_t> answers;
    const auto note = [&](const Result<GuestResidency>& seen) {
        answers.push_back(seen->charged.count());
        if (answers.size() == 3) loop.stop();
    };
    pool.ask(session(1), note, Look::glance);
    pool.ask(session(1), note, Look::glance);
    pool.ask(session(1), note, Look::closely);
    const auto work = asio::make_work_guard(loop);
    loop.run_for(10s);
    EXPECT_EQ(answers, (std::vector<std::uint64_t>{0, 1, 1}));
}

TEST(MeasurePool, AMeasurementThatHangsTimesOutAndStopsNobodyElse) {
    asio::io_context loop;
    std::promise<void> release;
    const auto released = release.get_future().share();
    std::vector<std::string> answers;
    {
        MeasurePool pool(
            loop,
            [released](const GuestId& guest, Look) {
                if (guest == session(1)) released.wait();
                return Result<GuestResidency>(GuestResidency{1_MiB, 1, 0});
            },
            2, 50ms);
        pool.ask(session(1),
                 [&](const Result<GuestResidency>& seen) { answers.push_back(seen ? "measured" : "timed out"); });
        pool.ask(session(2),
                 [&](const Result<GuestResidency>& seen) { answers.push_back(seen ? "measured" : "timed out"); });
        const auto work = asio::make_work_guard(loop);
        while (answers.size() < 2 && loop.run_one_for(10s) > 0) {
        }
        EXPECT_EQ(answers, (std::vector<std::string>{"measured", "timed out"}));
        EXPECT_TRUE(pool.is_busy(session(1))) << "one outstanding a guest: the hung one is not asked again";
        release.set_value();
    }
}

}  // namespace
}  // namespace aerostat::host
