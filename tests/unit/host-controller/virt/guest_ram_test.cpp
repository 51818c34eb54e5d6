#include "host-controller/virt/guest_ram.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "host-controller/virt/ram_gauges.h"
#include "tests/support/loop.h"

namespace aerostat::host::virt {
namespace {

using aerostat::testing::TemporaryDirectory;
using namespace aerostat::literals;

// 64 MiB of guest RAM between what else a QEMU maps.
const std::string kBefore =
    "55d0c0a00000-55d0c1000000 r-xp 00000000 08:01 4711   /usr/bin/qemu-system-x86_64\nSize: 6144 kB\nRss: 5000 kB\n"
    "55d0c2000000-55d0c3000000 rw-p 00000000 00:00 0   [heap]\nSize: 16384 kB\nRss: 12000 kB\n";
const std::string kAnonymous =
    "7f1000000000-7f1004000000 rw-p 00000000 00:00 0 \nSize: 65536 kB\nRss: 4096 kB\nPss: 2048 kB\n";
const std::string kMemfd =
    "7f1000000000-7f1004000000 rw-s 00000000 00:01 1027   /memfd:memory-backend-memfd (deleted)\nRss: 8192 kB\n";
const std::string kAfter =
    "7f2000000000-7f2004000000 rwxp 00000000 00:00 0 \nSize: 65536 kB\nRss: 60000 kB\n"
    "7f3000000000-7f3004000000 ---p 00000000 00:00 0 \nRss: 0 kB\n"
    "7f4000000000-7f4004000000 rw-s 00000000 00:01 9   /memfd:jit (deleted)\nRss: 7000 kB\n"
    "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0   [stack]\nRss: 20 kB\n";

TEST(GuestRam, IsTheAnonymousMappingAsLargeAsTheGuest) {
    const auto seen = guest_ram_in(kBefore + kAnonymous + kAfter, {64_MiB, {}});
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(*seen, 4_MiB) << "resident, not shared out over KSM's sharers";
}

TEST(GuestRam, IsTheMemfdThatBacksIt) {
    EXPECT_EQ(*guest_ram_in(kBefore + kMemfd + kAfter, {64_MiB, {}}), 8_MiB);
    EXPECT_EQ(*guest_ram_in(kBefore + kMemfd + kAfter, {}), 8_MiB) << "found by name, even if its size is not known";
}

TEST(GuestRam, IsFoundInFilesAndHugePagesByName) {
    for (const char* path : {"/var/lib/libvirt/qemu/ram/3-web/pc.ram", "/dev/shm/ram-node0",
                             "/dev/hugepages/libvirt/qemu/3-web/qemu_back_mem.pc.ram.Xy12Zz (deleted)"}) {
        const std::string text = "7f1000000000-7f1004000000 rw-s 00000000 00:01 1027   " + std::string(path) +
                                 "\nRss: 0 kB\nShared_Hugetlb: 2048 kB\nPrivate_Hugetlb: 4096 kB\n";
        EXPECT_EQ(*guest_ram_in(text, {64_MiB, {}}), 6_MiB) << path;
    }
}

TEST(GuestRam, AddsUpNumaCells) {
    const std::string cells =
        "7f1000000000-7f1001000000 rw-p 00000000 00:00 0 \nRss: 1024 kB\n"
        "7f2000000000-7f2003000000 rw-p 00000000 00:00 0 \nRss: 2048 kB\n";
    EXPECT_EQ(*guest_ram_in(kBefore + cells + kAfter, {64_MiB, {16_MiB, 48_MiB}}), 3_MiB);
}

TEST(GuestRam, NotFoundIsAnErrorButNothingResidentIsNot) {
    const auto none = guest_ram_in(kBefore + kAfter, {64_MiB, {}});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::unsupported);
    EXPECT_FALSE(guest_ram_in("", {64_MiB, {}}));
    EXPECT_EQ(*guest_ram_in("7f1000000000-7f1004000000 rw-p 00000000 00:00 0 \nRss: 0 kB\n", {64_MiB, {}}), 0_B);
}

TEST(GuestRam, IsNeverMoreThanTheGuestHas) {
    const std::string twice = kAnonymous + "7f8000000000-7f8004000000 rw-p 00000000 00:00 0 \nRss: 65536 kB\n";
    EXPECT_EQ(*guest_ram_in(twice, {64_MiB, {}}), 64_MiB);
}

/// A process that looks like the QEMU of a domain, until it is ended. It is a shell under another name.
class FakeQemu {
public:
    FakeQemu(const TemporaryDirectory& directory, const std::string& name, const std::string& uuid) {
        const std::string program = directory / name;
        std::ifstream shell("/bin/sh", std::ios::binary);
        std::ofstream(program, std::ios::binary) << shell.rdbuf();
        ::chmod(program.c_str(), 0700);
        int wait_for_us[2];
        int begun[2];
        EXPECT_EQ(::pipe(wait_for_us), 0);
        EXPECT_EQ(::pipe(begun), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(wait_for_us[0], 0);
            ::dup2(begun[1], 1);
            ::close(wait_for_us[1]);
            ::execl(program.c_str(), name.c_str(), "-c", "echo; read end", "-uuid", uuid.c_str(), nullptr);
            ::_exit(1);
        }
        ::close(wait_for_us[0]);
        ::close(begun[1]);
        end_ = wait_for_us[1];
        char byte = 0;
        EXPECT_EQ(::read(begun[0], &byte, 1), 1);
        ::close(begun[0]);
    }
    ~FakeQemu() { end(); }
    FakeQemu(const FakeQemu&) = delete;
    FakeQemu& operator=(const FakeQemu&) = delete;
    void end() {
        if (pid_ == 0) return;
        ::close(end_);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
    int end_ = -1;
};

// Tests run beside each other, and look through the same processes.
std::string uuid_of_this_test(unsigned number = 1) {
    char text[37];
    std::snprintf(text, sizeof text, "%08x-39a5-4b9d-8f0f-24a8a4f6d7a%u", static_cast<unsigned>(::getpid()), number);
    return text;
}

TEST(QemuProcess, IsTheOneStartedForTheDomain) {
    const TemporaryDirectory directory;
    const std::string uuid = uuid_of_this_test();
    EXPECT_EQ(QemuFinder().find(uuid).error().code, ErrorCode::not_found);
    const FakeQemu stranger(directory, "something-else", uuid);
    EXPECT_EQ(QemuFinder().find(uuid).error().code, ErrorCode::not_found) << "not a QEMU";
    const FakeQemu other(directory, "qemu-system-a", uuid_of_this_test(2));
    FakeQemu ours(directory, "qemu-system-b", uuid);
    const auto found = QemuFinder().find(uuid);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->pid, ours.pid());
    EXPECT_TRUE(is_alive(*found));
    EXPECT_FALSE(is_alive({found->pid, found->start_ticks + 1})) << "another process of the same pid";
    ours.end();
    EXPECT_FALSE(is_alive(*found));
}

TEST(QemuProcess, IsFoundAnewThoughAllWereLookedThroughJustNow) {
    const TemporaryDirectory directory;
    const std::string uuid = uuid_of_this_test();
    QemuFinder finder;
    const std::string others_uuid = uuid_of_this_test(2);
    const FakeQemu other(directory, "qemu-system-a", others_uuid);
    ASSERT_TRUE(finder.find(others_uuid));
    FakeQemu first(directory, "qemu-system-b", uuid);
    EXPECT_EQ(finder.find(uuid)->pid, first.pid());
    first.end();
    EXPECT_EQ(finder.find(uuid).error().code, ErrorCode::not_found);
    const FakeQemu second(directory, "qemu-system-b", uuid);
    EXPECT_EQ(finder.find(uuid)->pid, second.pid());
    EXPECT_EQ(finder.find(others_uuid)->pid, other.pid());
}

TEST(QemuProcess, OfSeveralNoneIsBelieved) {
    const TemporaryDirectory directory;
    const std::string uuid = uuid_of_this_test();
    const FakeQemu one(directory, "qemu-system-a", uuid);
    const FakeQemu two(directory, "qemu-system-b", uuid);
    const auto found = QemuFinder().find(uuid);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::refused);
    EXPECT_NE(found.error().message.find(std::to_string(two.pid())), std::string::npos) << found.error().message;
}

TEST(RamGauges, AGuestHasNoProcessesOnceItsQemuHasEnded) {
    const TemporaryDirectory directory;
    const std::string uuid = uuid_of_this_test();
    RamGauges gauges;
    EXPECT_EQ(gauges.measure("domain:" + uuid)->processes, 0U) << "nobody knows it";
    gauges.follow("domain:" + uuid, uuid, {64_MiB, {}});
    EXPECT_EQ(gauges.measure("domain:" + uuid).error().code, ErrorCode::not_found) << "said to run, but not seen here";
    FakeQemu qemu(directory, "qemu-system-a", uuid);
    EXPECT_EQ(gauges.measure("domain:" + uuid).error().code, ErrorCode::unsupported) << "a shell has no guest RAM";
    qemu.end();
    EXPECT_EQ(gauges.measure("domain:" + uuid)->processes, 0U);
    EXPECT_EQ(gauges.measure("domain:" + uuid)->processes, 0U) << "and stays gone";
}

TEST(RamGauges, AGuestThatLibvirtNoLongerListsIsMeasuredAsLongAsItLives) {
    const TemporaryDirectory directory;
    const std::string uuid = uuid_of_this_test();
    RamGauges gauges;
    gauges.follow("domain:" + uuid, uuid, {64_MiB, {}});
    gauges.note_inactive("domain:" + uuid);
    {
        const FakeQemu qemu(directory, "qemu-system-a", uuid);
        EXPECT_EQ(gauges.measure("domain:" + uuid).error().code, ErrorCode::unsupported);
    }
    EXPECT_EQ(gauges.measure("domain:" + uuid)->processes, 0U);
    const FakeQemu again(directory, "qemu-system-a", uuid);
    EXPECT_EQ(gauges.measure("domain:" + uuid)->processes, 0U) << "another run has to be announced";
}

}  // namespace
}  // namespace aerostat::host::virt
