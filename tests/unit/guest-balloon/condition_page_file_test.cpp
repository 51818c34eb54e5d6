#include "guest-balloon/act/condition_page.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "contract/condition_access.h"
#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

class Mapped {
public:
    explicit Mapped(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        at_ = ::mmap(nullptr, kConditionPageSize, PROT_READ, MAP_SHARED, fd, 0);
        ::close(fd);
    }
    ~Mapped() { ::munmap(at_, kConditionPageSize); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    const ConditionPage& page() const { return *static_cast<const ConditionPage*>(at_); }

private:
    void* at_;
};

struct stat status_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info;
}

ConditionState state_of(std::uint64_t session) {
    ConditionState state{};
    state.session = session;
    return state;
}

TEST(ConditionPageFile, IsAllocatedAndReadableByAll) {
    const aerostat::testing::TemporaryDirectory directory;
    const std::string path = directory / "condition";
    const mode_t before = ::umask(0077);
    const auto file = ConditionPageFile::open(path);
    ::umask(before);
    ASSERT_TRUE(file) << file.error().message;
    const struct stat info = status_of(path);
    EXPECT_EQ(info.st_mode & 07777U, 0644U);
    EXPECT_EQ(info.st_size, 4096);
    EXPECT_GE(info.st_blocks * 512, 4096);
    EXPECT_FALSE(read_condition(Mapped(path).page())) << "nothing published yet is no state";
}

TEST(ConditionPageFile, KeepsItsInodeAndItsReadersOverARestart) {
    const aerostat::testing::TemporaryDirectory directory;
    const std::string path = directory / "condition";
    auto file = ConditionPageFile::open(path);
    ASSERT_TRUE(file);
    const Mapped reader(path);
    (*file)->publish(state_of(1), ConditionNews::level);
    const auto inode = status_of(path).st_ino;
    const std::uint32_t sequence = reader.page().sequence;
    file->reset();
    EXPECT_EQ(read_condition(reader.page())->session, 1U) << "readable without a daemon";
    file = ConditionPageFile::open(path);
    ASSERT_TRUE(file);
    (*file)->publish(state_of(2), ConditionNews::level);
    EXPECT_EQ(status_of(path).st_ino, inode);
    EXPECT_EQ(read_condition(reader.page())->session, 2U);
    EXPECT_EQ(reader.page().sequence, sequence + 1);
}

TEST(ConditionPageFile, CountsWhatReadersWaitFor) {
    const aerostat::testing::TemporaryDirectory directory;
    auto file = ConditionPageFile::open(directory / "condition");
    const Mapped reader(directory / "condition");
    (*file)->publish(state_of(1), ConditionNews::level);
    (*file)->publish(state_of(1), ConditionNews::figures);
    (*file)->publish(state_of(1), ConditionNews::nothing);
    EXPECT_EQ(reader.page().level_changes, 1U);
    EXPECT_EQ(reader.page().changes, 2U);
    EXPECT_EQ(read_condition(reader.page())->updates, 3U);
}

TEST(ConditionPageFile, SaysWhenItsDaemonEnds) {
    const aerostat::testing::TemporaryDirectory directory;
    auto file = ConditionPageFile::open(directory / "condition");
    const Mapped reader(directory / "condition");
    (*file)->say_goodbye(TimePoint{});
    EXPECT_FALSE(read_condition(reader.page())) << "nothing was said before";
    (*file)->publish(state_of(1), ConditionNews::level);
    (*file)->say_goodbye(TimePoint(std::chrono::seconds(9)));
    EXPECT_EQ(read_condition(reader.page())->validity, static_cast<std::uint32_t>(ConditionValidity::no_daemon));
    EXPECT_EQ(read_condition(reader.page())->updated_ns, 9'000'000'000U);
}

TEST(ConditionPageFile, ALargerFileIsNotCut) {
    const aerostat::testing::TemporaryDirectory directory;
    const std::string path = directory / "condition";
    std::ofstream(path) << std::string(8192, 'x');
    ASSERT_TRUE(ConditionPageFile::open(path));
    EXPECT_EQ(status_of(path).st_size, 8192);
}

TEST(ConditionPageFile, WhatIsInTheWayIsNamed) {
    const aerostat::testing::TemporaryDirectory directory;
    ASSERT_EQ(::mkdir((directory / "folder").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("/etc/passwd", (directory / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0644), 0);
    for (const char* name : {"folder", "link", "pipe"}) {
        const auto file = ConditionPageFile::open(directory / name);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code, ErrorCode::bad_value) << name;
        EXPECT_NE(file.error().message.find("move it away"), std::string::npos) << file.error().message;
    }
    const auto nowhere = ConditionPageFile::open(directory / "missing/condition");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::io);
    EXPECT_NE(nowhere.error().message.find("may this user write there"), std::string::npos);
}

}  // namespace
}  // namespace aerostat::guest
