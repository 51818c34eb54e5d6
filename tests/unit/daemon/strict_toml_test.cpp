#include "daemon/strict_toml.h"

#include <gtest/gtest.h>

namespace aerostat::daemon {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;

StrictTable table(std::string_view text) {
    auto parsed = StrictTable::parse(text, "test.toml");
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    return *std::move(parsed);
}

TEST(StrictToml, ReadsTypedValues) {
    StrictTable root =
        table("[host]\nmemory = \"3GiB\"\nwait = \"5s\"\nmode = \"act\"\nweight = 2\non = true\nname = \"a\"\n");
    StrictTable host = root.table("host");
    EXPECT_EQ(host.bytes("memory"), 3_GiB);
    EXPECT_EQ(host.duration("wait"), Duration(5s));
    EXPECT_EQ(host.word("mode", {"advise", "act"}), "act");
    EXPECT_EQ(host.number("weight", 0, 10), 2.0);
    EXPECT_EQ(host.flag("on"), true);
    EXPECT_EQ(host.text("name"), "a");
    EXPECT_EQ(host.text("absent"), std::nullopt);
    EXPECT_TRUE(host.finish());
    EXPECT_TRUE(root.finish());
}

TEST(StrictToml, ReportsEveryProblemWithItsLine) {
    StrictTable root = table("[host]\nmemory = 3\nwait = \"5\"\nmode = \"fight\"\nweight = 20\ncolour = \"blue\"\n");
    StrictTable host = root.table("host");
    EXPECT_FALSE(host.bytes("memory"));
    EXPECT_FALSE(host.duration("wait"));
    EXPECT_FALSE(host.word("mode", {"advise", "act"}));
    EXPECT_FALSE(host.number("weight", 0, 10));
    EXPECT_FALSE(host.finish());
    const Status finished = root.finish();
    ASSERT_FALSE(finished);
    for (const char* part : {"test.toml:2: \"host.memory\" is a bare number", "test.toml:3:", "bare number has no unit",
                             "test.toml:4:", "\"advise\", \"act\"", "test.toml:5:", "0 to 10",
                             "test.toml:6: \"host.colour\" is not a known key"}) {
        EXPECT_NE(finished.error().message.find(part), std::string::npos) << part << " is missing in:\n"
                                                                          << finished.error().message;
    }
}

TEST(StrictToml, ListsTablesNotYetTaken) {
    StrictTable guests = table("[guest.b]\n[guest.\"web-*\"]\n[guest]\n").table("guest");
    EXPECT_EQ(guests.table_names(), (std::vector<std::string>{"b", "web-*"}));
    EXPECT_TRUE(guests.table("b").finish());
    EXPECT_EQ(guests.table_names(), std::vector<std::string>{"web-*"});
}

TEST(StrictToml, NamesTheLineOfASyntaxError) {
    const auto parsed = StrictTable::parse("[host]\nmemory = \n", "test.toml");
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().message.find("test.toml:2"), std::string::npos) << parsed.error().message;
}

TEST(StrictToml, AnUnknownTableIsAnUnknownKey) {
    StrictTable root = table("[hots]\nmemory = \"3GiB\"\n");
    const Status finished = root.finish();
    ASSERT_FALSE(finished);
    EXPECT_NE(finished.error().message.find("\"hots\" is not a known key"), std::string::npos);
}

TEST(StrictToml, TakesLettersOfAllKindsInCommentsAndAsEscapes) {
    StrictTable root = table("# größe\na = \"\\u00fc\\\"#\\\\\"  # é\n");
    EXPECT_EQ(root.text("a"), "ü\"#\\");
    for (const char* bad :
         {"a = 1\ngröße = 2\n", "a = 1\n\xEF\xBB\xB7 = 2\n", "a = 1\nb = 'é'\n", "a = 1\nb = \"\"\"é\"\"\"", "\nz=0ez'#é"}) {
        const auto parsed = StrictTable::parse(bad, "test.toml");
        ASSERT_FALSE(parsed);
        EXPECT_NE(parsed.error().message.find("test.toml:2: only ASCII"), std::string::npos) << parsed.error().message;
    }
}

TEST(StrictToml, RefusesHeadersThatTripTheParser) {
    for (const char* bad : {"[@[", "[[\n", "[", "[[", "[a", "= 1"})
        EXPECT_FALSE(StrictTable::parse(bad, "test.toml")) << bad;
}

TEST(StrictToml, SaysWhichFileIsMissing) {
    const auto missing = StrictTable::read_file("/nonexistent/x.toml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_NE(missing.error().message.find("/nonexistent/x.toml"), std::string::npos);
}

}  // namespace
}  // namespace aerostat::daemon
