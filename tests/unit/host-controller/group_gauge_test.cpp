#include "host-controller/local/group_gauge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "procfs/java_heap_file.h"
#include "procfs/process.h"
#include "procfs/smaps.h"
#include "tests/support/fake_root.h"

namespace aerostat::host::local {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1 << 20;

/// A process in a session of its own that does as it is told. It must not allocate: its parent may have had threads.
class Tenant {
public:
    Tenant() {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line_.data()), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(line_[0]);
            ::setsid();
            obey(line_[1]);
        }
        ::close(line_[1]);
        char ready = 0;
        EXPECT_EQ(::read(line_[0], &ready, 1), 1);
    }
    Tenant(const Tenant&) = delete;
    Tenant& operator=(const Tenant&) = delete;
    ~Tenant() {
        ::close(line_[0]);
        ::waitpid(pid_, nullptr, 0);
    }
    /// 'a': 8 MiB more; 'A': 100 MiB more; 'h': a heap file of 100 MiB; 'g': it grows by 50; 'f': forks one like it.
    void tell(char word) const {
        char done = 0;
        ASSERT_EQ(::write(line_[0], &word, 1), 1);
        ASSERT_EQ(::read(line_[0], &done, 1), 1);
    }
    [[nodiscard]] ProcessGroup group() const { return {pid_, procfs::read_stat(pid_)->start_ticks, ""}; }

private:
    static void touch(std::size_t size) {
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (at == MAP_FAILED) ::_exit(1);
    }
    [[noreturn]] static void obey(int line) {
        int heap = -1;
        char word = 'r';
        do {
            if (word == 'a') touch(8 * kMiB);
            if (word == 'A') touch(100 * kMiB);
            if (word == 'h') {
                heap = ::memfd_create("java_heap", MFD_CLOEXEC);
                if (::ftruncate(heap, 200 * kMiB) != 0 || ::fallocate(heap, 0, 0, 100 * kMiB) != 0) ::_exit(1);
                ::mmap(nullptr, 200 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, heap, 0);
            }
            if (word == 'g' && ::fallocate(heap, 0, 0, 150 * kMiB) != 0) ::_exit(1);
            if (word == 'f' && ::fork() == 0) {
                char end = 0;
                ::_exit(static_cast<int>(::read(line, &end, 1)));  // until the test closes its end
            }
        } while (::write(line, &word, 1) == 1 && ::read(line, &word, 1) == 1);
        ::_exit(0);
    }

    std::array<int, 2> line_{};
    pid_t pid_ = -1;
};

class GroupGaugeTest : public ::testing::Test {
protected:
    void SetUp() override {
        const auto own = procfs::process_residency(tenant.group().session);
        ASSERT_TRUE(own);
        if (saturating_sub(own->rss, own->pss) > 50_MiB)
            GTEST_SKIP() << "a sanitizer's memory, which a child shares with its parent: such a process is always walked";
    }
    Bytes measure(Look look) {
        const auto seen = gauge.measure(tenant.group(), look);
        EXPECT_TRUE(seen);
        processes = seen->processes;
        return seen->charged;
    }
    static void expect_near(Bytes value, Bytes truth) {
        // Kernels before 6.16 tell counts of some pages less or more for each processor.
        EXPECT_LE(saturating_sub(std::max(value, truth), std::min(value, truth)), 4_MiB)
            << format_bytes(value) << " instead of " << format_bytes(truth);
    }

    ManualClock clock;
    GroupGauge gauge{clock};
    Tenant tenant;
    std::size_t processes = 0;
};

TEST_F(GroupGaugeTest, AGlanceFollowsAProcessWithoutAWalk) {
    const Bytes before = measure(Look::glance);
    EXPECT_EQ(gauge.walks(), 1U);
    tenant.tell('a');
    expect_near(measure(Look::glance), before + 8_MiB);
    EXPECT_EQ(gauge.walks(), 1U);
    expect_near(measure(Look::closely), before + 8_MiB);
    EXPECT_EQ(gauge.walks(), 2U);
}

TEST_F(GroupGaugeTest, MuchThatMovesAndTimeThatPassesAreWalked) {
    const Bytes before = measure(Look::glance);
    tenant.tell('A');
    expect_near(measure(Look::glance), before + 100_MiB);
    EXPECT_EQ(gauge.walks(), 2U);
    clock.advance(11s);
    measure(Look::glance);
    EXPECT_EQ(gauge.walks(), 3U);
}

TEST_F(GroupGaugeTest, AHeapInAMemoryFileIsFollowedByItsBlocks) {
    const Bytes before = measure(Look::glance);
    tenant.tell('h');
    expect_near(measure(Look::closely), before + 100_MiB);
    tenant.tell('g');
    expect_near(measure(Look::glance), before + 150_MiB);
    EXPECT_EQ(gauge.walks(), 2U);
}

TEST_F(GroupGaugeTest, AChildThatSharesAllWithItsParentIsNotCountedTwice) {
    tenant.tell('A');
    const Bytes before = measure(Look::glance);
    tenant.tell('f');
    clock.advance(2s);
    expect_near(measure(Look::glance), before);
    EXPECT_EQ(processes, 2U);
    EXPECT_EQ(gauge.walks(), 3U) << "both, though the parent's counts have not moved";
}

TEST(GroupGauge, ReadsAContainersBooks) {
    const aerostat::testing::FakeRoot root;
    root.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    root.write("/sys/fs/cgroup/web/memory.current", "1000000\n");
    root.write("/sys/fs/cgroup/web/memory.stat",
               "anon 100000\nshmem 50000\nfile_mapped 150000\nactive_file 300000\ninactive_file 200000\n");
    const auto books = books_of("/web", root.path);
    ASSERT_TRUE(books);
    EXPECT_EQ(books->holds, Bytes(1'000'000));
    EXPECT_EQ(books->cache, Bytes(400'000)) << "what is mapped from files is in PSS already";
    EXPECT_FALSE(books_of("/other", root.path));
}

}  // namespace
}  // namespace aerostat::host::local
