#include "contract/names.h"

#include <set>

#include <gtest/gtest.h>

namespace aerostat {
namespace {

TEST(Names, AreShortAndPlain) {
    EXPECT_TRUE(is_valid_name("shop-1.prod_a"));
    EXPECT_TRUE(is_valid_name("shop~4711"));
    EXPECT_FALSE(is_valid_name(""));
    EXPECT_FALSE(is_valid_name("a/b"));
    EXPECT_FALSE(is_valid_name("a b"));
    EXPECT_FALSE(is_valid_name("\x1b[31m"));
    EXPECT_FALSE(is_valid_name(std::string(65, 'a')));
    EXPECT_TRUE(parse_name("shop"));
    EXPECT_FALSE(parse_name("shop~1")) << "the tilde is the daemons' own";
}

TEST(FreshIds, AreValidAndDoNotRepeat) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string id = fresh_id();
        EXPECT_TRUE(is_valid_id(id));
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST(Printable, DisarmsTerminalsAndKeepsWords) {
    EXPECT_EQ(printable("plain"), "plain");
    EXPECT_EQ(printable("a\x1b[31mb\n"), "a?[31mb?");
    EXPECT_EQ(printable("größe"), "größe");
    EXPECT_EQ(printable("\xff\xfe"), "??");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "?31m")
        << "the 8-bit CSI is a control character too";
    EXPECT_EQ(printable("\xed\xa0\x80"), "???") << "a surrogate is not UTF-8";
    EXPECT_EQ(printable("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace aerostat
