#include "procfs/meminfo.h"
#include "procfs/memory_cgroup.h"
#include "procfs/vmstat.h"
#include "tests/support/fake_root.h"

namespace aerostat::procfs {
namespace {

using namespace aerostat::literals;
using aerostat::testing::FakeRoot;

TEST(Meminfo, TellsFilePagesByUse) {
    const auto info = parse_meminfo(
        "MemTotal: 1000 kB\nMemAvailable: 500 kB\nActive: 7 kB\nActive(file): 30 kB\nInactive(file): 40 kB\nAnonPages: 200 "
        "kB\n");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->active_file, 30_KiB);
    EXPECT_EQ(info->inactive_file, 40_KiB);
    EXPECT_EQ(info->anonymous, 200_KiB);
}

TEST(MemoryPressure, CountsStalledTime) {
    const auto pressure = parse_memory_pressure(
        "some avg10=1.25 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=12\n");
    ASSERT_TRUE(pressure);
    EXPECT_EQ(pressure->some_total, std::chrono::milliseconds(2500));
    EXPECT_EQ(pressure->full_total, std::chrono::microseconds(12));
    EXPECT_FALSE(parse_memory_pressure("some avg10=1 total=99999999999999999999\n")->some_total) << "out of range";
}

TEST(MemoryPressure, OfAKernelWithoutItIsUnsupported) {
    const FakeRoot root;
    EXPECT_EQ(read_memory_pressure(root.path).error().code, ErrorCode::unsupported);
}

TEST(VmStat, ReadsWhatThisKernelCounts) {
    const auto stat =
        parse_vmstat("workingset_refault_anon 3\nworkingset_refault_file 70\npgsteal_kswapd 5\npgsteal_direct 6\n");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->refaults_file, 70U);
    EXPECT_EQ(stat->refaults_anon, 3U);
    EXPECT_EQ(stat->stolen, 11U);
    EXPECT_FALSE(stat->balloon) << "absent, not zero";
    EXPECT_FALSE(parse_vmstat("nr_something 1\n"));
}

TEST(VmStat, TheBalloonIsWhatWasInflatedAndNotDeflated) {
    EXPECT_EQ(parse_vmstat("balloon_inflate 300\nballoon_deflate 44\n")->balloon, 1_MiB);
    EXPECT_EQ(parse_vmstat("nr_balloon_pages 512\nballoon_inflate 300\nballoon_deflate 0\n")->balloon, 2_MiB)
        << "the kernel's own figure";
}

TEST(VirtioBalloon, IsDeviceFive) {
    const FakeRoot root;
    EXPECT_FALSE(has_virtio_balloon(root.path));
    root.write("/sys/bus/virtio/devices/virtio0/device", "0x0002\n");
    EXPECT_FALSE(has_virtio_balloon(root.path));
    root.write("/sys/bus/virtio/devices/virtio1/device", "0x0005\n");
    EXPECT_TRUE(has_virtio_balloon(root.path));
}

constexpr const char* kMountV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
constexpr const char* kMountV1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

TEST(MemoryCgroup, IsFoundInEitherHierarchy) {
    EXPECT_EQ(place_in_hierarchy("0::/app/x\n", kMountV2, 2).directory, "/sys/fs/cgroup/app/x");
    EXPECT_EQ(place_in_hierarchy("5:cpu:/no\n4:memory:/app\n0::/\n", kMountV1, 1).directory, "/sys/fs/cgroup/memory/app");
    EXPECT_EQ(place_in_hierarchy("0::/\n", kMountV2, 2).directory, "/sys/fs/cgroup") << "a container's own root";
    EXPECT_EQ(place_in_hierarchy("0::/app\n", kMountV1, 2).directory, "") << "not mounted";
}

TEST(MemoryCgroup, OfAContainerThatSeesOnlyItsPartIsFoundThere) {
    const char* part = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    EXPECT_EQ(place_in_hierarchy("4:memory:/docker/abc\n", part, 1).directory, "/sys/fs/cgroup/memory");
    EXPECT_EQ(place_in_hierarchy("4:memory:/docker/abc/x\n", part, 1).directory, "/sys/fs/cgroup/memory/x");
    EXPECT_EQ(place_in_hierarchy("4:memory:/docker/abcd\n", part, 1).directory, "") << "another's";
}

TEST(MemoryCgroup, ReadsVersionTwo) {
    const FakeRoot root;
    root.write("/proc/self/cgroup", "0::/app/web\n");
    root.write("/proc/self/mountinfo", kMountV2);
    root.write("/sys/fs/cgroup/app/memory.max", "1073741824\n");
    root.write("/sys/fs/cgroup/app/web/memory.max", "max\n");
    root.write("/sys/fs/cgroup/app/web/memory.high", "max\n");
    root.write("/sys/fs/cgroup/app/web/memory.current", "524288000\n");
    root.write("/sys/fs/cgroup/app/web/memory.swap.current", "4096\n");
    root.write("/sys/fs/cgroup/app/web/memory.events", "low 0\nhigh 7\nmax 1\noom 0\noom_kill 2\n");
    root.write("/sys/fs/cgroup/app/web/memory.stat",
               "anon 1000\nactive_file 20\ninactive_file 30\nworkingset_refault_file 9\n");
    const auto cgroup = own_memory_cgroup(root.path);
    ASSERT_TRUE(cgroup) << cgroup.error().message;
    const auto seen = read_memory_cgroup(*cgroup);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->current, Bytes(524288000));
    EXPECT_EQ(seen->limit, 1_GiB) << "the limit of the cgroup above holds, too";
    EXPECT_FALSE(seen->high);
    EXPECT_EQ(seen->swap, Bytes(4096));
    EXPECT_EQ(seen->anonymous, Bytes(1000));
    EXPECT_EQ(seen->refaults_file, 9U);
    EXPECT_EQ(seen->oom_kills, 2U);
    EXPECT_EQ(seen->high_events, 7U);
}

TEST(MemoryCgroup, ReadsVersionOne) {
    const FakeRoot root;
    root.write("/proc/self/cgroup", "4:memory:/web\n0::/\n");
    root.write("/proc/self/mountinfo", std::string(kMountV1) + kMountV2);
    const std::string base = "/sys/fs/cgroup/memory/web/";
    root.write(base + "memory.usage_in_bytes", "1000000\n");
    root.write(base + "memory.memsw.usage_in_bytes", "1200000\n");
    root.write(base + "memory.limit_in_bytes", "9223372036854771712\n");
    root.write(base + "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    root.write(base + "memory.stat", "rss 1\nactive_file 1\ntotal_rss 700\ntotal_active_file 20\ntotal_inactive_file 30\n");
    const auto cgroup = own_memory_cgroup(root.path);
    ASSERT_TRUE(cgroup);
    EXPECT_EQ(cgroup->version, 1);
    const auto seen = read_memory_cgroup(*cgroup);
    ASSERT_TRUE(seen);
    EXPECT_FALSE(seen->limit) << "the largest number stands for no limit";
    EXPECT_EQ(seen->swap, Bytes(200000));
    EXPECT_EQ(seen->anonymous, Bytes(700));
    EXPECT_EQ(seen->active_file, Bytes(20));
    EXPECT_EQ(seen->oom_kills, 3U);
}

TEST(MemoryCgroup, OfNobodyIsNotFound) {
    const FakeRoot root;
    root.write("/proc/self/cgroup", "0::/\n");
    root.write("/proc/self/mountinfo", kMountV2);
    EXPECT_EQ(own_memory_cgroup(root.path).error().code, ErrorCode::not_found);
    EXPECT_EQ(memory_cgroup_at(root.path).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace aerostat::procfs
