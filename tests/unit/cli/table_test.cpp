#include "cli/table.h"

#include <gmock/gmock.h>

#include <sstream>

namespace aerostat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Align = Column::Align;

Table a_table() {
    Table table({{"NAME"}, {"SIZE", Align::right}, {"EXTRA", Align::left, 1}, {"MORE", Align::left, 2}});
    table.add({"orders", "5 MiB", "spare", "unneeded"});
    table.add({"a", "1.50 GiB", "x", "y"});
    return table;
}

TEST(Table, AlignsTextLeftAndFiguresRight) {
    EXPECT_EQ(a_table().render({}),
              "NAME        SIZE  EXTRA  MORE\n"
              "orders     5 MiB  spare  unneeded\n"
              "a       1.50 GiB  x      y\n");
}

TEST(Table, DropsTheMostDispensableColumnFirst) {
    Look look;
    look.width = 26;
    EXPECT_EQ(a_table().render(look),
              "NAME        SIZE  EXTRA\n"
              "orders     5 MiB  spare\n"
              "a       1.50 GiB  x\n");
    look.width = 20;
    EXPECT_THAT(a_table().render(look), Not(HasSubstr("EXTRA")));
}

TEST(Table, IsNeverWiderThanTheTerminal) {
    for (std::size_t width = 1; width < 60; ++width) {
        Look look;
        look.width = width;
        std::istringstream lines(a_table().render(look));
        for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), width) << line;
    }
}

TEST(Table, ColoursOnlyWhereColoursAreWanted) {
    Table table({{"STATE"}});
    table.add({Cell("stuck", Style::bad)});
    EXPECT_EQ(table.render({}), "STATE\nstuck\n");
    Look look;
    look.colour = true;
    EXPECT_EQ(table.render(look), "\x1b[1mSTATE\x1b[0m\n\x1b[31;1mstuck\x1b[0m\n");
}

TEST(Table, TakesShortRows) {
    Table table({{"A"}, {"B"}});
    table.add({"1"});
    EXPECT_EQ(table.render({}), "A  B\n1\n");
}

TEST(Fit, CountsCodePointsAndNeverCutsOne) {
    EXPECT_EQ(display_width("naïve"), 5U);
    EXPECT_EQ(fit("naïve", 5), "naïve");
    EXPECT_EQ(fit("naïve", 4), "naï…");
    EXPECT_EQ(fit("naïve", 3), "na…");
    EXPECT_EQ(fit("naïve", 1), "…");
    EXPECT_EQ(fit("naïve", 0), "");
}

}  // namespace
}  // namespace aerostat::cli
