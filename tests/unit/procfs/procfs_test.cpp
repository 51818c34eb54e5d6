#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "procfs/java_heap_file.h"
#include "procfs/maps.h"
#include "procfs/meminfo.h"
#include "procfs/process.h"
#include "procfs/smaps.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AEROSTAT_UNDER_TSAN
#endif
#endif

namespace aerostat::procfs {
namespace {

using namespace aerostat::literals;

/// Anonymous memory of this process, unmapped at the end. Not merged with neighbours: a guard page on both sides.
class OwnMemory {
public:
    explicit OwnMemory(std::size_t bytes) : bytes_(bytes) {
        base_ = static_cast<char*>(::mmap(nullptr, bytes + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        EXPECT_EQ(::mprotect(data(), bytes, PROT_READ | PROT_WRITE), 0);
        EXPECT_EQ(::madvise(data(), bytes, MADV_NOHUGEPAGE), 0);
    }
    ~OwnMemory() { ::munmap(base_, bytes_ + 2 * kPage); }
    OwnMemory(const OwnMemory&) = delete;
    OwnMemory& operator=(const OwnMemory&) = delete;
    [[nodiscard]] char* data() const { return base_ + kPage; }
    [[nodiscard]] AddressRange range() const {
        const auto begin = reinterpret_cast<std::uintptr_t>(data());
        return {begin, begin + bytes_};
    }
    static constexpr std::size_t kPage = 4096;

private:
    std::size_t bytes_;
    char* base_;
};

TEST(Smaps, FollowsRealMemoryAsItComesAndGoes) {
    const OwnMemory memory(64 * 1024 * 1024);
    ASSERT_EQ(own_residency(memory.range())->rss, 0_B);
    std::memset(memory.data(), 1, 32 * 1024 * 1024);
    EXPECT_EQ(own_residency(memory.range())->rss, 32_MiB);
    ASSERT_EQ(::madvise(memory.data(), 16 * 1024 * 1024, MADV_DONTNEED), 0);
    const auto after = own_residency(memory.range());
    EXPECT_EQ(after->rss, 16_MiB);
    EXPECT_EQ(after->pss, 16_MiB);
    EXPECT_EQ(after->kernel_page_size, 4_KiB);
}

TEST(Smaps, OverlappingMappingsAreNoSum) {
    const std::string_view entry = "1000-3000 rw-p 00000000 00:00 0\nRss:                   8 kB\n";
    const std::string_view joined = "1000-5000 rw-p 00000000 00:00 0\nRss:                  16 kB\n";
    const std::string text = std::string(entry) + std::string(joined);
    EXPECT_EQ(sum_smaps(text, AddressRange{0x1000, 0x5000}).error().code, ErrorCode::bad_value);
    EXPECT_EQ(sum_smaps(joined, AddressRange{0x1000, 0x5000})->rss, 16_KiB);
}

// A heap that is committed and uncommitted region by region has mappings that join and part while they are read: the kernel
// then shows the same pages in two entries.
TEST(Smaps, CountsNothingTwiceWhileMappingsJoinAndPart) {
    constexpr std::size_t kSlice = 1 << 20;
    constexpr std::size_t kSlices = 32;
    OwnMemory memory(kSlices * kSlice);
    std::memset(memory.data(), 1, kSlices * kSlice);
    const std::jthread joins_and_parts([&](const std::stop_token& over) {
        for (std::uint32_t seed = 1; !over.stop_requested(); seed = seed * 1664525 + 1013904223) {
            const std::size_t slice = (seed >> 16) % kSlices;
            const int rights = (seed & 0x400000) != 0 ? PROT_READ | PROT_WRITE : PROT_READ;
            EXPECT_EQ(::mprotect(memory.data() + slice * kSlice, kSlice, rights), 0);
        }
    });
    const Bytes all(kSlices * kSlice);
    int too_large = 0;
    for (int i = 0; i < 300; ++i) {
        const auto seen = own_residency(memory.range());
        ASSERT_TRUE(seen) << seen.error().message;
        EXPECT_GE(seen->rss, all) << i;
        too_large += seen->rss > all ? 1 : 0;
    }
    EXPECT_LE(too_large, 6) << "of 300, where every try was torn";
}

TEST(Smaps, MeasuresAnotherProcess) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        auto* held =
            static_cast<char*>(::mmap(nullptr, 100 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::memset(held, 1, 100 << 20);
        if (::write(ready[1], "x", 1) != 1) ::_exit(1);
        ::pause();
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const auto seen = process_residency(child);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_GE(seen->pss, 100_MiB);
#if !defined(AEROSTAT_UNDER_TSAN)  // whose shadow of the memory is several times as large
    EXPECT_LE(seen->pss, 140_MiB);
#endif
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(process_residency(child).error().code, ErrorCode::not_found);
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(Smaps, SumsOnlyTheRangeAskedFor) {
    const std::string text =
        "1000-2000 rw-p 00000000 00:00 0 \nRss: 4 kB\nPss: 4 kB\n"
        "2000-5000 rw-s 00000000 00:01 77 /memfd:java_heap (deleted)\nKernelPageSize: 4 kB\nRss: 12 kB\nPss: 6 kB\nSwap: 8 "
        "kB\nLocked: 4 kB\n"
        "6000-7000 rw-p 00000000 00:00 0 \nRss: 100 kB\n";
    const auto sum = sum_smaps(text, {0x2000, 0x6000});
    ASSERT_TRUE(sum);
    EXPECT_EQ(*sum, (Residency{12_KiB, 6_KiB, 8_KiB, 4_KiB, 4_KiB, 0_B}));
}

TEST(Smaps, SumsTheMappingsThatAreWanted) {
    const std::string text =
        "1000-2000 rw-p 00000000 00:00 0 \nRss: 4 kB\n"
        "2000-5000 rw-s 00000000 00:01 77 /memfd:memory-backend-memfd (deleted)\nRss: 12 kB\nSwap: 8 kB\n"
        "6000-7000 rw-s 00000000 00:02 78 /dev/hugepages/a\nRss: 0 kB\nShared_Hugetlb: 2048 kB\nPrivate_Hugetlb: 4096 kB\n"
        "8000-9000 rw-p 00000000 00:00 0 [stack]\nRss: 100 kB\nnonsense\n";
    std::vector<std::string> asked;
    const auto sum = sum_smaps(text, [&](const Mapping& mapping) {
        asked.push_back(mapping.path);
        return mapping.shared;
    });
    ASSERT_TRUE(sum);
    EXPECT_EQ(sum->rss, 12_KiB);
    EXPECT_EQ(sum->swap, 8_KiB);
    EXPECT_EQ(sum->hugetlb, 6_MiB);
    EXPECT_EQ(asked, (std::vector<std::string>{"", "/memfd:memory-backend-memfd (deleted)", "/dev/hugepages/a", "[stack]"}));
}

TEST(Smaps, FindsAMappingOfAnotherProcessByItsSize) {
    const OwnMemory memory(48 * 1024 * 1024);
    std::memset(memory.data(), 1, 8 * 1024 * 1024);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const auto wanted = [&memory](const Mapping& mapping) { return mapping.range == memory.range(); };
    const auto seen = residency_of(child, wanted);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->rss, 8_MiB);
    EXPECT_EQ(residency_of(child, wanted).error().code, ErrorCode::not_found);
}

TEST(Arguments, AreThoseTheProcessWasStartedWith) {
    int ready[2];
    int end[2];
    ASSERT_EQ(::pipe(ready), 0);
    ASSERT_EQ(::pipe(end), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(end[0], 0);
        ::dup2(ready[1], 1);
        ::close(end[1]);
        ::execl("/bin/sh", "a name", "-c", "echo; read end", "", "-uuid", "x y", nullptr);
        ::_exit(1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const auto arguments = arguments_of(child);
    const auto executable = executable_of(child);
    ::close(end[1]);
    ::close(end[0]);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    ASSERT_TRUE(arguments) << arguments.error().message;
    EXPECT_EQ(*arguments, (std::vector<std::string>{"a name", "-c", "echo; read end", "", "-uuid", "x y"}));
    ASSERT_TRUE(executable) << executable.error().message;
    EXPECT_TRUE(executable->starts_with('/')) << *executable;
    EXPECT_EQ(arguments_of(child).error().code, ErrorCode::not_found);
    EXPECT_EQ(executable_of(child).error().code, ErrorCode::not_found);
}

TEST(Maps, ReadsFlagsAndPaths) {
    const auto maps =
        parse_maps("7f00-7f10 rw-s 0000a000 08:01 42   /memfd:java_heap (deleted)\n7f10-7f20 ---p 00000000 00:00 0\n");
    ASSERT_TRUE(maps);
    ASSERT_EQ(maps->size(), 2U);
    EXPECT_TRUE((*maps)[0].shared);
    EXPECT_TRUE((*maps)[0].writable);
    EXPECT_EQ((*maps)[0].path, "/memfd:java_heap (deleted)");
    EXPECT_EQ((*maps)[0].inode, 42U);
    EXPECT_FALSE((*maps)[1].readable);
    EXPECT_FALSE(parse_maps("nonsense\n"));
    EXPECT_FALSE(parse_maps("2000-1000 rw-p 00000000 00:00 0\n"));
    EXPECT_GT(read_own_maps()->size(), 5U);
}

TEST(Stat, ReadsNamesWithParenthesesAndBlanks) {
    const auto stat = parse_stat("4711 (a) (b c)) S 1 4710 4709 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 1 0 987654 1 2\n");
    ASSERT_TRUE(stat) << stat.error().message;
    EXPECT_EQ(stat->pid, 4711);
    EXPECT_EQ(stat->name, "a) (b c)");
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->parent, 1);
    EXPECT_EQ(stat->process_group, 4710);
    EXPECT_EQ(stat->session, 4709);
    EXPECT_EQ(stat->start_ticks, 987654U);
    EXPECT_EQ(stat->cpu_time, std::chrono::seconds(200 / ::sysconf(_SC_CLK_TCK)));
    for (const char* bad : {"", "()", "1 (a", "x (a) S 1", "1 (a) S 1 2 3"}) EXPECT_FALSE(parse_stat(bad)) << bad;
}

TEST(Stat, ReadsOurselves) {
    const auto stat = read_stat(::getpid());
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->session, ::getsid(0));
    EXPECT_EQ(stat->parent, ::getppid());
    EXPECT_EQ(read_stat(0x3fffffff).error().code, ErrorCode::not_found);
    EXPECT_FALSE(cgroup_of(::getpid())->empty());
    const auto all = list_processes();
    EXPECT_NE(std::find(all->begin(), all->end(), ::getpid()), all->end());
}

TEST(OwnThreads, AreNamedAndTheirCpuTimeRises) {
    const auto threads = own_threads();
    ASSERT_TRUE(threads);
    const auto self = std::find_if(threads->begin(), threads->end(), [](const OwnThread& t) { return t.tid == ::gettid(); });
    ASSERT_NE(self, threads->end());
    EXPECT_FALSE(self->name.empty());
    const Duration before = *own_thread_cpu(::gettid());
    while (*own_thread_cpu(::gettid()) < before + std::chrono::milliseconds(2)) {
    }
    pid_t ended = 0;
    std::thread([&] { ended = ::gettid(); }).join();
    // The kernel lets the thread go a moment after join: wait for that, not for a time.
    while (own_thread_cpu(ended)) std::this_thread::yield();
    EXPECT_EQ(own_thread_cpu(ended).error().code, ErrorCode::not_found);
}

TEST(MemInfo, ReadsTheMachine) {
    const auto info = read_meminfo();
    ASSERT_TRUE(info);
    EXPECT_GT(info->total, info->available);
    EXPECT_GT(info->available, 0_B);
    EXPECT_FALSE(parse_meminfo("MemTotal: 5 kB\n")) << "without MemAvailable there is nothing to go by";
}

TEST(MemoryPressure, ReadsPercentages) {
    const auto pressure = parse_memory_pressure(
        "some avg10=1.25 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=0\n");
    ASSERT_TRUE(pressure);
    EXPECT_DOUBLE_EQ(pressure->some_avg10, 1.25);
    EXPECT_DOUBLE_EQ(pressure->full_avg10, 0.5);
    EXPECT_FALSE(parse_memory_pressure("nothing here"));
}

TEST(Process, ResidentPagesAreCountedByKind) {
    const auto seen =
        parse_resident_parts("VmRSS:\t   900 kB\nRssAnon:\t   300 kB\nRssFile:\t   100 kB\nRssShmem:\t   500 kB\n");
    ASSERT_TRUE(seen);
    EXPECT_EQ(*seen, (ResidentParts{Bytes(300 * 1024), Bytes(100 * 1024), Bytes(500 * 1024)}));
    EXPECT_EQ(parse_resident_parts("VmRSS: 1 kB\nRssAnon: 1 kB\n").error().code, ErrorCode::unsupported);
    const auto parts = resident_parts_of(getpid());
    const auto own = own_memory_but_shared();
    ASSERT_TRUE(parts && own);
    EXPECT_GT(*own, parts->anonymous) << "there are files, too";
    EXPECT_EQ(resident_parts_of(-1).error().code, ErrorCode::not_found);
}

/// A memory file named as ZGC names its heap's, mapped shared.
class HeapFile {
public:
    static constexpr std::size_t kSize = 16 << 20;
    HeapFile() : fd_(memfd_create("java_heap", MFD_CLOEXEC)) {
        EXPECT_EQ(ftruncate(fd_, kSize), 0);
        at_ = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    }
    HeapFile(const HeapFile&) = delete;
    HeapFile& operator=(const HeapFile&) = delete;
    ~HeapFile() {
        munmap(at_, kSize);
        close(fd_);
    }
    void commit() const { ASSERT_EQ(fallocate(fd_, 0, 0, kSize), 0); }
    void punch() const { ASSERT_EQ(madvise(at_, kSize / 2, MADV_REMOVE), 0); }

private:
    int fd_;
    void* at_;
};

TEST(JavaHeapFile, CountsWhatItHoldsAlsoWhereNoMappingShowsIt) {
    const HeapFile heap;
    const auto before = process_memory(getpid());
    ASSERT_TRUE(before);
    heap.commit();
    const auto committed = process_memory(getpid());
    ASSERT_TRUE(committed);
    EXPECT_GE(committed->pss, before->pss + 15_MiB);
    const auto parts = process_memory_parts(getpid());
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->heap, 16_MiB);
    EXPECT_EQ(file_blocks(parts->heap_file), parts->heap);
    EXPECT_TRUE(is_java_heap_file(parts->heap_file));
    EXPECT_FALSE(is_java_heap_file("/proc/self/fd/0"));
    heap.punch();
    const auto punched = process_memory(getpid());
    ASSERT_TRUE(punched);
    EXPECT_LE(punched->pss + 7_MiB, committed->pss);
}

TEST(JavaHeapFile, WithoutOneItIsTheProcesssResidency) {
    const auto plain = process_residency(getpid());
    const auto memory = process_memory(getpid());
    ASSERT_TRUE(plain && memory);
    EXPECT_LT(memory->pss, plain->pss + 4_MiB);
    EXPECT_EQ(process_memory(-1).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace aerostat::procfs
