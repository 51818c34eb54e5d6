#include "contract/line_framer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace aerostat {
namespace {

std::vector<std::string> lines_of(LineFramer& framer, std::string_view bytes) {
    std::vector<std::string> lines;
    framer.feed(bytes, [&](std::string_view line) { lines.emplace_back(line); });
    return lines;
}

TEST(LineFramer, PutsHalfLinesTogether) {
    LineFramer framer;
    EXPECT_TRUE(lines_of(framer, "ab").empty());
    EXPECT_EQ(lines_of(framer, "c\nde\r\n\nf"), (std::vector<std::string>{"abc", "de"}));
    EXPECT_EQ(lines_of(framer, "\n"), std::vector<std::string>{"f"});
}

TEST(LineFramer, DropsAnOverlongLineAndResumesAtTheNext) {
    LineFramer framer;
    const std::string mebibyte(1024 * 1024, 'x');
    EXPECT_EQ(lines_of(framer, mebibyte + "\nnext\n"), std::vector<std::string>{"next"});
    EXPECT_EQ(framer.overlong(), 1U);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(lines_of(framer, std::string(1000, 'y')).empty());
    EXPECT_EQ(lines_of(framer, "\nagain\n"), std::vector<std::string>{"again"});
    EXPECT_EQ(framer.overlong(), 2U);
}

TEST(LineFramer, TakesALineOfExactlyTheLimit) {
    LineFramer framer;
    const std::string longest(WireLimits::kLine - 1, 'x');
    EXPECT_EQ(lines_of(framer, longest + "\n"), std::vector<std::string>{longest});
    EXPECT_TRUE(lines_of(framer, longest + "x\n").empty());
}

}  // namespace
}  // namespace aerostat
