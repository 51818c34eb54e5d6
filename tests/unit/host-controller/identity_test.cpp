#include <gtest/gtest.h>

#include "host-controller/local/group_gauge.h"

namespace aerostat::host {
namespace {

using local::Place;
using local::ProcessGroup;

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

}  // namespace
}  // namespace aerostat::host
