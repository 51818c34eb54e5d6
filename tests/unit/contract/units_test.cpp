#include "contract/units.h"

#include <gtest/gtest.h>

namespace aerostat {
namespace {

using namespace aerostat::literals;

TEST(Bytes, AdditionSaturatesInsteadOfWrapping) {
    const Bytes huge(Bytes::kLimit);
    EXPECT_EQ(huge + 1_B, huge);
    EXPECT_EQ(Bytes(1ULL << 62U) * 4, huge);
    EXPECT_EQ(Bytes(~0ULL), huge);
}

TEST(Bytes, DifferenceIsSignedAndSubtractionSaturates) {
    EXPECT_EQ(difference(1_MiB, 3_MiB).count(), -2 * 1024 * 1024);
    EXPECT_EQ(saturating_sub(1_MiB, 3_MiB), 0_B);
    EXPECT_EQ(saturating_sub(3_MiB, 1_MiB), 2_MiB);
}

TEST(Bytes, ShareOfSurvivesNonsense) {
    EXPECT_EQ(share_of(100_MiB, 0.25), 25_MiB);
    EXPECT_EQ(share_of(100_MiB, -1), 0_B);
    EXPECT_EQ(share_of(100_MiB, std::numeric_limits<double>::quiet_NaN()), 0_B);
    EXPECT_EQ(share_of(Bytes(Bytes::kLimit), 1e9), Bytes(Bytes::kLimit));
}

TEST(Bytes, RoundsToUnits) {
    EXPECT_EQ(round_down(5000_B, 4096_B), 4096_B);
    EXPECT_EQ(round_up(5000_B, 4096_B), 8192_B);
    EXPECT_EQ(round_up(8192_B, 4096_B), 8192_B);
}

TEST(ParseBytes, ReadsEachUnit) {
    EXPECT_EQ(*parse_bytes("512MiB"), 512_MiB);
    EXPECT_EQ(*parse_bytes("1.5GiB"), 1536_MiB);
    EXPECT_EQ(*parse_bytes("0B"), 0_B);
    EXPECT_EQ(*parse_bytes("64KiB"), 64_KiB);
    EXPECT_EQ(*parse_bytes("1TiB"), 1024_GiB);
}

TEST(ParseBytes, RefusesEverythingElseWithASentence) {
    for (const char* text : {"", "512", "512MB", "512M", "512mib", "-1MiB", "+1MiB", "1 MiB", "MiB", "1e3MiB", "infB",
                             "nanB", "1..5GiB", ".5GiB", "5.GiB", "99999999999TiB", "18446744073709551616B", "1MiB "}) {
        const auto parsed = parse_bytes(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::bad_value) << text;
        EXPECT_NE(parsed.error().message.find("512MiB"), std::string::npos)
            << "no example of what is right: " << parsed.error().message;
    }
    EXPECT_NE(parse_bytes("512").error().message.find("bare number"), std::string::npos);
}

TEST(FormatBytes, ReadsWellAndExactBytesReadsBack) {
    EXPECT_EQ(format_bytes(512_MiB), "512 MiB");
    EXPECT_EQ(format_bytes(1536_MiB), "1.50 GiB");
    EXPECT_EQ(format_bytes(0_B), "0 B");
    EXPECT_EQ(format_delta(ByteDelta(-512 * 1024 * 1024)), "-512 MiB");
    EXPECT_EQ(format_delta(ByteDelta(0)), "0 B");
    EXPECT_EQ(format_delta(ByteDelta(std::numeric_limits<std::int64_t>::min())).front(), '-');
    for (const Bytes amount : {0_B, 1_B, 4095_B, 1537_KiB, 512_MiB, 3_GiB})
        EXPECT_EQ(*parse_bytes(exact_bytes(amount)), amount);
}

}  // namespace
}  // namespace aerostat
