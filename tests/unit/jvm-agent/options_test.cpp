#include "jvm-agent/app/options.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

TEST(AgentOptions, HaveDefaultsWithoutAnyText) {
    const auto options = parse_options("");
    ASSERT_TRUE(options);
    EXPECT_EQ(options->runtime_dir, "/run/aerostat");
    EXPECT_EQ(options->cpu_budget, 0.05);
    EXPECT_EQ(options->firmest, Cap::hard);
    EXPECT_EQ(options->mxbean, MxBean::automatic);
    EXPECT_TRUE(options->flight_events);
}

TEST(AgentOptions, ReadEachKey) {
    const auto options = parse_options(
        "runtime-dir=/tmp/x,name=shop-1,cpu-budget=2.5%,cap=elastic,log=verbose,mxbean=on,jfr=off,stress-passes=on");
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->runtime_dir, "/tmp/x");
    EXPECT_EQ(options->name, "shop-1");
    EXPECT_DOUBLE_EQ(options->cpu_budget, 0.025);
    EXPECT_EQ(options->firmest, Cap::elastic);
    EXPECT_TRUE(options->verbose);
    EXPECT_EQ(options->mxbean, MxBean::on);
    EXPECT_FALSE(options->flight_events);
    EXPECT_TRUE(options->stress_passes);
}

TEST(AgentOptions, KnowTheWaysOfTheJavaSide) {
    EXPECT_EQ(parse_options("mxbean=auto")->mxbean, MxBean::automatic);
    EXPECT_EQ(parse_options("mxbean=off")->mxbean, MxBean::off);
    for (const char* text : {"mxbean=yes", "mxbean=", "jfr=on"}) EXPECT_FALSE(parse_options(text)) << text;
}

TEST(AgentOptions, RefuseWhatTheyDoNotKnowInOneSentence) {
    for (const char* text :
         {"nmae=x", "name", "name=", "name=a b", "name=a~1", "cpu-budget=5", "cpu-budget=0%", "cpu-budget=101%",
          "cpu-budget=-1%", "cpu-budget=nan%", "cpu-budget=%", "cap=soft", "runtime-dir=relative",
          "runtime-dir=", "log=loud", "stress-passes=1", ",", "=", "name=x,,cap=firm"}) {
        const auto options = parse_options(text);
        ASSERT_FALSE(options) << text;
        EXPECT_EQ(options.error().code, ErrorCode::bad_value);
        EXPECT_EQ(options.error().message.find('\n'), std::string::npos);
    }
}

TEST(AgentOptions, RefillReserveIsASizeWithItsUnitAndNothingByDefault) {
    EXPECT_TRUE(parse_options("")->refill_reserve.is_zero());
    EXPECT_EQ(parse_options("refill-reserve=512MiB")->refill_reserve, Bytes(512ULL << 20));
    for (const char* text : {"refill-reserve=512", "refill-reserve=", "refill-reserve=-1MiB", "refill-reserve=on"})
        EXPECT_FALSE(parse_options(text)) << text;
    EXPECT_NE(options_help().find("refill-reserve=SIZE"), std::string_view::npos);
}

TEST(AgentOptions, RefuseADirectoryTooLongForASocket) {
    EXPECT_FALSE(parse_options("runtime-dir=/" + std::string(200, 'x')));
}

TEST(AgentOptions, KnowHelp) {
    const auto options = parse_options("help");
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->help);
    EXPECT_NE(options_help().find("runtime-dir"), std::string_view::npos);
}

TEST(AgentOptions, FullCollectionsAreANumberAndNoneByDefault) {
    EXPECT_EQ(parse_options("")->full_gcs, 0);
    EXPECT_EQ(parse_options("full-gcs=8")->full_gcs, 8);
    for (const char* const wrong : {"full-gcs=", "full-gcs=-1", "full-gcs=1001", "full-gcs=2x", "full-gcs=99999999999"})
        EXPECT_EQ(parse_options(wrong).error().code, ErrorCode::bad_value) << wrong;
}

TEST(AgentOptions, G1IsHeldByItsSizeWhileItIsCalmUnlessToldOtherwise) {
    EXPECT_EQ(parse_options("")->g1_hold, G1Hold::calm);
    EXPECT_EQ(parse_options("g1-hold=chunks")->g1_hold, G1Hold::chunks);
    EXPECT_EQ(parse_options("g1-hold=size")->g1_hold, G1Hold::size);
    for (const char* const wrong : {"g1-hold=", "g1-hold=Size", "g1-hold=on"})
        EXPECT_EQ(parse_options(wrong).error().code, ErrorCode::bad_value) << wrong;
}

TEST(AgentOptions, NativeMemoryIsTrimmedUnlessSwitchedOff) {
    EXPECT_TRUE(parse_options("")->trim_native);
    EXPECT_FALSE(parse_options("trim-native=off")->trim_native);
    EXPECT_EQ(parse_options("trim-native=no").error().code, ErrorCode::bad_value);
}

}  // namespace
}  // namespace aerostat::agent
