#include "contract/clock.h"

#include <gtest/gtest.h>

namespace aerostat {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsEachUnit) {
    EXPECT_EQ(*parse_duration("500ms"), 500ms);
    EXPECT_EQ(*parse_duration("5s"), 5s);
    EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(*parse_duration("10m"), 10min);
    EXPECT_EQ(*parse_duration("2h"), 2h);
    EXPECT_EQ(*parse_duration("250us"), 250us);
    EXPECT_EQ(*parse_duration("0s"), 0s);
}

TEST(ParseDuration, RefusesEverythingElseWithASentence) {
    for (const char* text : {"", "5", "5 s", "-5s", "5sec", "1e3s", "s", "99999999h", "1d", "5s5"}) {
        const auto parsed = parse_duration(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().message.find("500ms"), std::string::npos) << parsed.error().message;
    }
}

TEST(FormatDuration, ChoosesTheUnit) {
    EXPECT_EQ(format_duration(20ms), "20 ms");
    EXPECT_EQ(format_duration(1500ms), "1.50 s");
    EXPECT_EQ(format_duration(185s), "3 m 05 s");
    EXPECT_EQ(format_duration(2h), "2 h 00 m");
}

TEST(SystemClock, NeverRunsBackwards) {
    const SystemClock clock;
    TimePoint before = clock.now();
    for (int i = 0; i < 1000; ++i) {
        const TimePoint after = clock.now();
        ASSERT_LE(before, after);
        before = after;
    }
}

}  // namespace
}  // namespace aerostat
