#include "guest-balloon/sense/guest_sensor.h"

#include <unistd.h>

#include <gmock/gmock.h>

#include "guest-balloon/sense/pressure_watch.h"
#include "tests/support/fake_root.h"

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using aerostat::testing::FakeRoot;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A machine with all sources, as files.
class Machine : public ::testing::Test {
protected:
    Machine() {
        root.write("/proc/meminfo",
                   "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: 2097152 kB\nActive(file): 524288 kB\n"
                   "Inactive(file): 524288 kB\nAnonPages: 1048576 kB\nSwapFree: 1024 kB\n");
        stalled_ms(0);
        root.write("/proc/vmstat", "workingset_refault_file 7\npgsteal_kswapd 1\nballoon_inflate 256\nballoon_deflate 0\n");
        root.write("/proc/self/cgroup", "0::/web\n");
        root.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    }
    void stalled_ms(int ms) const {
        const std::string total = std::to_string(ms * 1000) + "\n";
        root.write("/proc/pressure/memory", "some avg10=2.00 avg60=0.00 avg300=0.00 total=" + total +
                                                "full avg10=1.00 avg60=0.00 avg300=0.00 total=" + total);
    }
    void container(const std::string& limit) const {
        const std::string base = "/sys/fs/cgroup/web/";
        root.write(base + "memory.max", limit + "\n");
        root.write(base + "memory.current", "805306368\n");  // 768 MiB
        root.write(base + "memory.events", "high 3\noom_kill 0\n");
        root.write(base + "memory.stat",
                   "anon 536870912\nactive_file 134217728\ninactive_file 134217728\n"
                   "workingset_refault_file 99\n");
        root.write(base + "memory.pressure",
                   "some avg10=5.00 avg60=0 avg300=0 total=3000\nfull avg10=0 avg60=0 avg300=0 total=0\n");
    }
    [[nodiscard]] GuestSensor sensor(const std::string& cgroup = "auto") const { return GuestSensor({cgroup, root.path}); }
    FakeRoot root;
};

TEST_F(Machine, IsSeenWithAllItsSources) {
    root.write("/sys/bus/virtio/devices/virtio3/device", "0x0005\n");
    const GuestSight sight = sensor().look();
    EXPECT_THAT(sight.degraded, IsEmpty());
    EXPECT_EQ(sight.memory.total, 4_GiB);
    EXPECT_EQ(sight.memory.available, 2_GiB);
    EXPECT_EQ(sight.os.unused, 1_GiB);
    EXPECT_EQ(sight.os.cache(), 1_GiB);
    EXPECT_EQ(sight.os.refaults, 7U);
    EXPECT_EQ(sight.os.balloon, 1_MiB);
    EXPECT_TRUE(sight.os.has_virtio_balloon);
    EXPECT_FALSE(sight.os.cgroup);
    EXPECT_EQ(sight.memory.psi_some_avg10, 2.0);
}

TEST_F(Machine, WhatIsMissingIsNamedAndAbsent) {
    root.remove("/proc/pressure");
    root.remove("/proc/vmstat");
    const GuestSight sight = sensor().look();
    EXPECT_THAT(sight.degraded, Contains(HasSubstr("memory pressure is unknown")));
    EXPECT_THAT(sight.degraded, Contains(HasSubstr("refaults and swapping are unknown")));
    EXPECT_FALSE(sight.os.stalled || sight.memory.psi_some_avg10 || sight.os.refaults || sight.os.balloon);
    EXPECT_EQ(sight.memory.available, 2_GiB) << "the rest is seen";
    root.remove("/proc/meminfo");
    EXPECT_EQ(sensor().look().memory.available, 0_B) << "which no rule takes for room";
}

TEST_F(Machine, AContainerIsSeenByItsOwnFigures) {
    container("1073741824");
    const GuestSight sight = sensor().look();
    EXPECT_THAT(sight.degraded, IsEmpty());
    ASSERT_TRUE(sight.os.cgroup);
    EXPECT_EQ(sight.memory.total, 1_GiB);
    EXPECT_EQ(sight.os.unused, 256_MiB);
    EXPECT_EQ(sight.memory.available, 480_MiB) << "what is free below the limit, and the cache but 1/32 of all";
    EXPECT_EQ(sight.os.cache_left_out, 32_MiB);
    EXPECT_EQ(sight.os.refaults, 99U);
    EXPECT_EQ(sight.memory.psi_some_avg10, 5.0);
    EXPECT_EQ(sight.os.cgroup->high_events, 3U);
    EXPECT_EQ(sensor().own_pressure_files().size(), 1U);
}

TEST_F(Machine, CacheInUseThatTheEstimateLeavesOutIsNotTakenOffTwice) {
    // As the bench control_truth saw it: 64 MiB read all the time, and 70 to 73 MiB could be taken without stalls.
    container("503316480");
    root.write("/sys/fs/cgroup/web/memory.current", "500494336\n");
    root.write("/sys/fs/cgroup/web/memory.stat", "anon 358662144\nactive_file 67149824\ninactive_file 73400320\n");
    OsSight seen = sensor().look().os;
    EXPECT_NEAR(seen.available.as_double(), (122_MiB).as_double(), (1_MiB).as_double());
    seen.cache_in_use = 64_MiB;
    const Bytes told = saturating_sub(seen.available, seen.available_in_use());
    EXPECT_GE(told, 70_MiB);
    EXPECT_LE(told, 73_MiB);
    seen.cache_in_use = 4_MiB;
    EXPECT_EQ(seen.available_in_use(), 0_B) << "so much is left out already";
}

TEST_F(Machine, WhatTheMachineIsShortOfIsNotLeftOutOfAContainersCache) {
    container("1073741824");
    const auto left_out_where_the_machine_has = [this](const char* kib) {
        root.write("/proc/meminfo",
                   std::string("MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: ") + kib + " kB\n");
        return sensor().look().os.cache_left_out;
    };
    EXPECT_EQ(left_out_where_the_machine_has("491520"), 0_B) << "480 MiB, as much as is taken for the container's";
    EXPECT_EQ(left_out_where_the_machine_has("409600"), 0_B) << "the machine's figure is the lower one";
    EXPECT_EQ(left_out_where_the_machine_has("501760"), 10_MiB) << "490 MiB";
}

TEST_F(Machine, ACgroupWithoutALimitIsNoContainer) {
    container("max");
    EXPECT_FALSE(sensor().look().os.cgroup) << "a service of its own, with nobody else in it";
    EXPECT_TRUE(sensor("/sys/fs/cgroup/web").look().os.cgroup) << "unless somebody says so";
}

TEST_F(Machine, ACgroupThatIsNamedAndNotThereIsToldOf) {
    EXPECT_THAT(sensor("/sys/fs/cgroup/none").look().degraded, Contains(HasSubstr("is no memory cgroup")));
    container("1073741824");
    EXPECT_FALSE(sensor("none").look().os.cgroup);
}

TEST(GuestSensor, SeesThisMachine) { EXPECT_GT(GuestSensor().look().memory.total, Bytes()); }

class Watch : public Machine {
protected:
    int calls = 0;
    asio::io_context loop;
    TimePoint now{std::chrono::hours(1)};
    void second_later(PressureWatch& watch) {
        now += std::chrono::seconds(1);
        watch.poll(now);
    }
};

TEST_F(Watch, WithoutATriggerTheCounterIsLookedAt) {
    PressureWatch watch(loop, {root.path + "/proc/pressure/memory"}, {}, [this] { ++calls; });
    EXPECT_THAT(watch.trouble(), Contains(HasSubstr("looked at once a second instead")));
    second_later(watch);
    stalled_ms(80);
    second_later(watch);
    EXPECT_EQ(calls, 0) << "8 % of the time; 10 % count";
    stalled_ms(200);
    second_later(watch);
    EXPECT_EQ(calls, 1);
    second_later(watch);
    EXPECT_EQ(calls, 1);
    root.remove("/proc/pressure/memory");
    second_later(watch);
    stalled_ms(9000);
    second_later(watch);
    EXPECT_EQ(calls, 1) << "a counter that was not seen a second ago says nothing of that second";
}

TEST_F(Watch, ASecondLookAtOnceMakesNoPressureOfALittle) {
    PressureWatch watch(loop, {root.path + "/proc/pressure/memory"}, {}, [this] { ++calls; });
    second_later(watch);
    stalled_ms(20);
    watch.poll(now + std::chrono::milliseconds(5));
    EXPECT_EQ(calls, 0) << "the kernel has just added up 1 % of two seconds";
    second_later(watch);
    EXPECT_EQ(calls, 0);
    stalled_ms(320);
    second_later(watch);
    EXPECT_EQ(calls, 1);
}

TEST_F(Watch, WhetherItSpeaksIsAsOfTheLastLook) {
    PressureWatch watch(loop, {root.path + "/proc/pressure/memory"}, {}, [] {});
    EXPECT_TRUE(watch.speaks());
    root.remove("/proc/pressure/memory");
    second_later(watch);
    EXPECT_FALSE(watch.speaks());
    stalled_ms(0);
    second_later(watch);
    EXPECT_TRUE(watch.speaks());
    EXPECT_FALSE(PressureWatch(loop, {}, {}, [] {}).speaks());
}

TEST_F(Watch, AMissingFileIsNamedAndDoesNoHarm) {
    PressureWatch watch(loop, {root.path + "/nowhere"}, {}, [this] { ++calls; });
    EXPECT_THAT(watch.trouble(), Contains(HasSubstr("/nowhere")));
    second_later(watch);
    second_later(watch);
    EXPECT_EQ(calls, 0);
}

TEST_F(Watch, TheKernelsOwnFileGetsATrigger) {
    if (::access("/proc/pressure/memory", W_OK) != 0) GTEST_SKIP() << "needs PSI, and the right to write its files";
    PressureWatch watch(loop, {"/proc/pressure/memory"}, {}, [this] { ++calls; });
    EXPECT_THAT(watch.trouble(), IsEmpty());
    loop.run_for(std::chrono::milliseconds(50));
    EXPECT_THAT(watch.trouble(), IsEmpty()) << "the wait goes on";
    EXPECT_LE(calls, 1);
}

TEST(FirstWord, OfAnUnprivilegedTriggerCountsOnlyIfTheGuestHasStalledSoLong) {
    using std::chrono::milliseconds;
    std::optional<Duration> stalled = std::chrono::seconds(19);
    const auto now = [&stalled] { return stalled; };
    FirstWord word(milliseconds(1800), stalled);
    *stalled += milliseconds(1);
    EXPECT_FALSE(word.is_true(now)) << "what had been stalled before was counted in";
    *stalled += milliseconds(1799);
    EXPECT_TRUE(word.is_true(now));
    EXPECT_TRUE(word.is_true(now)) << "later ones are the kernel's business";
}

TEST(FirstWord, IsBelievedWhereNothingCanBeCompared) {
    std::optional<Duration> stalled;
    const auto now = [&stalled] { return stalled; };
    EXPECT_TRUE(FirstWord().is_true(now));
    EXPECT_TRUE(FirstWord(std::chrono::seconds(1), std::nullopt).is_true(now));
    EXPECT_TRUE(FirstWord(std::chrono::seconds(1), std::chrono::seconds(9)).is_true(now));
}

TEST_F(Machine, WhatProgramsReadOutOfTheCacheIsASumThatOnlyGrows) {
    const auto reads = [this](const std::string& pid, std::uint64_t asked, std::uint64_t fetched) {
        root.write("/proc/" + pid + "/io",
                   "rchar: " + std::to_string(asked) + "\nwchar: 5\nread_bytes: " + std::to_string(fetched) + "\n");
    };
    ReadTraffic traffic(root.path);
    EXPECT_FALSE(traffic.look(std::nullopt)) << "no process at all: it cannot be seen";
    reads("10", 1000, 400);
    root.write("/proc/11/stat", "without io: it has ended\n");
    EXPECT_EQ(traffic.look(std::nullopt), 0U) << "what was read before us does not count";
    reads("10", 1500, 400);
    reads("12", 100, 0);
    EXPECT_EQ(traffic.look(std::nullopt), 600U);
    reads("10", 10, 0);  // another process of the same number
    EXPECT_EQ(traffic.look(std::nullopt), 600U);
    root.write("/proc/12/io", "nonsense\n");
    EXPECT_FALSE(traffic.look(std::nullopt)) << "somebody whose reading cannot be seen";
}

TEST_F(Machine, TheReadersOfAContainerAreThoseOfItsGroupAndOfThoseBelow) {
    root.write("/proc/10/io", "rchar: 0\nread_bytes: 0\n");
    root.write("/proc/11/io", "rchar: 0\nread_bytes: 0\n");
    root.write("/proc/12/io", "rchar: 0\nread_bytes: 0\n");
    root.write("/web/cgroup.procs", "10\n");
    root.write("/web/below/cgroup.procs", "11\n");
    const procfs::MemoryCgroup group{2, root.path + "/web", root.path};
    ReadTraffic traffic(root.path);
    EXPECT_EQ(traffic.look(group), 0U);
    root.write("/proc/10/io", "rchar: 7\nread_bytes: 0\n");
    root.write("/proc/11/io", "rchar: 70\nread_bytes: 0\n");
    root.write("/proc/12/io", "rchar: 700\nread_bytes: 0\n");
    EXPECT_EQ(traffic.look(group), 77U);
}

class ReadersOfAContainer : public ::testing::Test {
protected:
    aerostat::testing::FakeRoot root;
    ReadTraffic traffic{root.path};

    void has(const std::string& pids) const { root.write("/web/cgroup.procs", pids); }
    void reads(const std::string& pid, std::uint64_t bytes) const {
        root.write("/proc/" + pid + "/io", "rchar: " + std::to_string(bytes) + "\nread_bytes: 0\n");
    }
    [[nodiscard]] std::optional<std::uint64_t> look() {
        return traffic.look(procfs::MemoryCgroup{2, root.path + "/web", root.path});
    }
    // A backup below cron.
    void child_has_read_1000() {
        has("10\n11\n");
        reads("10", 0);
        reads("11", 0);
        ASSERT_EQ(look(), 0U);
        reads("11", 1000);
        ASSERT_EQ(look(), 1000U);
    }
};

TEST_F(ReadersOfAContainer, WhatAChildHasReadDoesNotCountAgainForItsParent) {
    child_has_read_1000();
    has("10\n");
    root.remove("/proc/11");
    reads("10", 1000 + 50 + 7);  // the child's life, with 50 that were not seen of it, and its own
    EXPECT_EQ(look(), 1057U);
    reads("10", 1100);
    EXPECT_EQ(look(), 1100U) << "what the parent reads then does";
}

TEST_F(ReadersOfAContainer, AChildThatItsParentHasNotWaitedForIsNotForgotten) {
    child_has_read_1000();
    has("10\n");  // a zombie is in no group, but can be read
    for (int i = 0; i < 3; ++i) EXPECT_EQ(look(), 1000U);
    root.remove("/proc/11");
    reads("10", 1000);
    EXPECT_EQ(look(), 1000U);
}

TEST_F(ReadersOfAContainer, AParentThatWasLookedAtBeforeItsChildEndedIsSeenInTheNextLook) {
    child_has_read_1000();
    has("10\n");
    root.remove("/proc/11");
    EXPECT_EQ(look(), 1000U);
    reads("10", 1000);
    EXPECT_EQ(look(), 1000U);
}

TEST_F(ReadersOfAContainer, AChildThatNobodyWaitsForHidesTheReadsOfOthersForTwoLooksOnly) {
    child_has_read_1000();
    has("10\n");
    root.remove("/proc/11");
    EXPECT_EQ(look(), 1000U);
    EXPECT_EQ(look(), 1000U);
    reads("10", 30);
    EXPECT_EQ(look(), 1030U);
}

TEST_F(ReadersOfAContainer, ALookThatFailsCountsNothing) {
    has("10\n11\n");
    reads("10", 0);
    reads("11", 0);
    ASSERT_EQ(look(), 0U);
    reads("10", 50);
    root.write("/proc/11/io", "nonsense\n");  // as one that may not be read
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(look());
    reads("11", 5);
    EXPECT_EQ(look(), 55U);
}

}  // namespace
}  // namespace aerostat::guest
