// A container's balloon over a folder that stands for its cgroup.
#include <gtest/gtest.h>

#include <filesystem>

#include "guest-balloon/act/os_balloon.h"
#include "tests/support/fake_root.h"

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;

class CgroupBalloonTest : public ::testing::Test {
protected:
    aerostat::testing::FakeRoot root;
    std::unique_ptr<OsBalloon> balloon;

    void open_v2(const std::string& high = "max\n") {
        root.write("/memory.high", high);
        reopen(2);
    }
    void reopen(int version) {
        balloon.reset();
        balloon = cgroup_balloon(version, root.path, root.path + "/os-limit");
        ASSERT_EQ(balloon->why_not(), "");
    }
    Status hold(Bytes most) { return balloon->hold(most, balloon->releases()); }
    // A plain file keeps what a longer text left behind its end; a control file does not.
    [[nodiscard]] std::string high() const { return first_line("/memory.high"); }
    [[nodiscard]] std::string first_line(const std::string& name) const {
        const std::string text = root.read(name);
        return text.substr(0, text.find('\n'));
    }
};

TEST_F(CgroupBalloonTest, AHoldThatWasDecidedBeforeAReleaseDoesNotStand) {
    open_v2("max      \n");
    const std::uint64_t before = balloon->releases();
    balloon->release_now();
    const Status late = balloon->hold(64_MiB, before);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::busy);
    EXPECT_EQ(high(), "max      ");
    EXPECT_FALSE(balloon->held());
    ASSERT_TRUE(hold(64_MiB)) << "a later one does";
    EXPECT_EQ(high(), "67108864 ");
    EXPECT_EQ(balloon->held(), 64_MiB);
}

TEST_F(CgroupBalloonTest, WhereNothingIsHeldNothingIsPutBack) {
    open_v2("100000000\n");
    root.write("/memory.high", "200000000\n");  // an operator's
    ASSERT_TRUE(balloon->hold(std::nullopt, balloon->releases()));
    EXPECT_EQ(high(), "200000000");
}

TEST_F(CgroupBalloonTest, AStepThatWasDecidedBeforeAReleaseTakesNothing) {
    root.write("/memory.reclaim", "");
    open_v2();
    const std::uint64_t before = balloon->releases();
    balloon->release_now();
    root.write("/memory.reclaim", "");
    EXPECT_FALSE(balloon->reclaim(4_MiB, 64_MiB, before));
    EXPECT_EQ(root.read("/memory.reclaim"), "");
}

// The kernel lets one write at a time through each open file, and one that squeezes may take long.
TEST_F(CgroupBalloonTest, TheReleaseHasADescriptorOfItsOwn) {
    open_v2();
    int descriptors = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) == root.path + "/memory.high") ++descriptors;
    }
    EXPECT_EQ(descriptors, 2);
}

TEST_F(CgroupBalloonTest, InVersionOneSwappinessIsPutBackToo) {
    root.write("/memory.limit_in_bytes", "134217728\n");
    root.write("/memory.swappiness", "6\n");
    reopen(1);
    ASSERT_TRUE(hold(120_MiB));
    EXPECT_EQ(first_line("/memory.swappiness"), "0");
    ASSERT_TRUE(hold(110_MiB));
    balloon->release_now();
    EXPECT_EQ(first_line("/memory.swappiness"), "6");
    EXPECT_EQ(first_line("/memory.limit_in_bytes"), "134217728");
}

TEST_F(CgroupBalloonTest, SwappinessAndLimitComeBackAfterACrash) {
    root.write("/memory.limit_in_bytes", "134217728\n");
    root.write("/memory.swappiness", "6\n");
    reopen(1);
    ASSERT_TRUE(hold(120_MiB));
    const std::string note = root.read("/os-limit");
    const std::string held = root.read("/memory.limit_in_bytes");
    balloon->release_now();
    root.write("/os-limit", note);  // as one leaves it that was killed
    root.write("/memory.limit_in_bytes", held);
    root.write("/memory.swappiness", "0\n");
    reopen(1);
    EXPECT_EQ(balloon->held(), 120_MiB);
    balloon.reset();
    EXPECT_EQ(first_line("/memory.swappiness"), "6");
    EXPECT_EQ(first_line("/memory.limit_in_bytes"), "134217728");
}

TEST_F(CgroupBalloonTest, WhatOthersHaveSetMeanwhileIsWhatIsPutBack) {
    open_v2("134217728\n");
    ASSERT_TRUE(hold(120_MiB));
    balloon->release_now();
    EXPECT_EQ(high(), "134217728");
    root.write("/memory.high", "150994944\n");
    ASSERT_TRUE(hold(120_MiB));
    balloon->release_now();
    EXPECT_EQ(high(), "150994944");
}

TEST_F(CgroupBalloonTest, ANoteOfAChangeThatDidNotComeAboutStillTellsWhatWasAllowed) {
    root.write("/os-limit", "134217728 104857600 115343360 -");
    open_v2("115343360\n");
    EXPECT_EQ(balloon->held(), 110_MiB);
    balloon->release_now();
    EXPECT_EQ(high(), "134217728");
}

TEST_F(CgroupBalloonTest, TheNoteNamesWhatIsHeldUntilTheNextStands) {
    open_v2("134217728\n");
    ASSERT_TRUE(hold(120_MiB));
    EXPECT_EQ(root.read("/os-limit"), "134217728 125829120 - -");
    ASSERT_TRUE(hold(110_MiB));
    EXPECT_EQ(root.read("/os-limit"), "134217728 115343360 125829120 -");
}

}  // namespace
}  // namespace aerostat::guest
