#include "cli/work_file.h"

#include <gmock/gmock.h>

namespace aerostat::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(WorkFile, NamesGuestsAndJvms) {
    EXPECT_THAT(parse_work("orders/api 12400 requests/s\nbatch  7 jobs/s\r\n"),
                ElementsAre(Pair("batch", "7 jobs/s"), Pair("orders/api", "12400 requests/s")));
}

TEST(WorkFile, SkipsWhatIsNoLineAndTakesTheLastWord) {
    EXPECT_THAT(parse_work("\n\nalone\n  \norders 1\norders 2"), ElementsAre(Pair("orders", "2")));
    EXPECT_THAT(parse_work(""), IsEmpty());
}

TEST(WorkFile, LetsNobodyWriteToTheTerminal) {
    const auto work = parse_work("orders \x1b[2J" + std::string(500, 'x'));
    EXPECT_EQ(work.at("orders").find('\x1b'), std::string::npos);
    EXPECT_LT(work.at("orders").size(), 70U);
}

TEST(WorkFile, SaysWhichFileIsMissing) {
    const auto work = read_work_file("/nonexistent/rates");
    ASSERT_FALSE(work);
    EXPECT_THAT(work.error().message, ::testing::HasSubstr("/nonexistent/rates: No such file"));
}

}  // namespace
}  // namespace aerostat::cli
