#include "cli/top_screen.h"

#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/keys.h"
#include "tests/support/builders.h"

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;
using aerostat::testing::a_guest_view;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

StatusView a_host(std::size_t first, std::size_t last) {
    StatusView status;
    status.daemon = "hostd";
    status.name = "rack1";
    for (std::size_t i = first; i < last; ++i) status.guests.push_back(a_guest_view("guest" + std::to_string(100 + i)));
    return status;
}

OperationView an_operation(const std::string& target, bool running) {
    OperationView one;
    one.command = "squeeze";
    one.target = target;
    one.running = running;
    one.asked = 1_GiB;
    one.obtained = 512_MiB;
    one.reason = running ? EndReason::met : EndReason::deadline;
    one.elapsed = 1500ms;
    one.deadline = 5s;
    one.started_ago = 61'500ms;
    return one;
}

const Look kScreen{false, 100, 24};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

TEST(TopScreen, FillsTheScreenAndNoMore) {
    for (const std::size_t height : {1U, 2U, 5U, 8U, 12U, 24U, 60U}) {
        for (const std::size_t width : {20U, 80U, 200U}) {
            TopScreen screen(1s);
            StatusView status = a_host(0, 40);
            status.warnings = {"one", "two", "three", "four", "five", "six", "seven"};
            screen.take(status, {{an_operation("a", true), an_operation("b", false)}}, "14:05:09");
            const auto lines = lines_of(screen.frame({false, width, height}));
            EXPECT_LE(lines.size(), height);
            for (const std::string& line : lines) EXPECT_LE(display_width(line), width) << line;
        }
    }
}

TEST(TopScreen, ShowsWhatRunsBeforeWhatHasEnded) {
    TopScreen screen(1s);
    screen.take(a_host(0, 2), {{an_operation("old", false), an_operation("new", true)}}, "14:05:09");
    const std::string frame = screen.frame(kScreen);
    EXPECT_THAT(frame, HasSubstr("squeeze new: 512 MiB of 1.00 GiB, running for 1.50 s of 5.00 s\n"
                                 "squeeze old: 512 MiB of 1.00 GiB, deadline after 1.50 s, 60.00 s ago\n"));
    EXPECT_THAT(frame, HasSubstr("2 guests, 2 JVMs, 14:05:09"));
}

TEST(TopScreen, KeepsItsPlaceWhenGuestsComeAndGo) {
    TopScreen screen(1s);
    screen.take(a_host(5, 45), {}, "14:05:09");
    static_cast<void>(screen.frame(kScreen));
    for (int i = 0; i < 20; ++i) screen.move(TopMove::line_down);
    EXPECT_THAT(lines_of(screen.frame(kScreen))[4], HasSubstr("guest115"));
    screen.take(a_host(0, 45), {}, "14:05:10");
    EXPECT_THAT(lines_of(screen.frame(kScreen))[4], HasSubstr("guest115")) << "five came above";
    screen.take(a_host(12, 45), {}, "14:05:11");
    EXPECT_THAT(lines_of(screen.frame(kScreen))[4], HasSubstr("guest115")) << "twelve went above";
    screen.take(a_host(40, 45), {}, "14:05:12");
    EXPECT_THAT(lines_of(screen.frame(kScreen))[4], HasSubstr("guest140")) << "everything fits";
    screen.move(TopMove::first);
    screen.take(a_host(0, 45), {}, "14:05:13");
    EXPECT_THAT(lines_of(screen.frame(kScreen))[4], HasSubstr("guest100"));
}

TEST(TopScreen, MovesWithinTheTable) {
    TopScreen screen(1s);
    screen.take(a_host(0, 40), {}, "14:05:09");
    static_cast<void>(screen.frame(kScreen));
    screen.move(TopMove::line_up);
    EXPECT_THAT(screen.frame(kScreen), HasSubstr("lines 1-19 of 80"));
    screen.move(TopMove::page_down);
    EXPECT_THAT(screen.frame(kScreen), HasSubstr("lines 19-37 of 80"));
    screen.move(TopMove::last);
    screen.move(TopMove::line_down);
    EXPECT_THAT(screen.frame(kScreen), HasSubstr("lines 62-80 of 80"));
    EXPECT_THAT(screen.frame({false, 100, 40}), HasSubstr("lines 46-80 of 80")) << "a larger window is filled";
    EXPECT_THAT(screen.frame({false, 100, 200}), Not(HasSubstr("lines"))) << "nothing to move through";
}

TEST(TopScreen, KeepsTheLastFiguresAndSaysOfWhen) {
    TopScreen screen(1s);
    screen.take(fail(ErrorCode::io, "no daemon at /run/x"), {}, "14:05:08");
    EXPECT_THAT(screen.frame(kScreen), HasSubstr("no answer; asking again: no daemon at /run/x"));
    screen.take(a_host(0, 1), {}, "14:05:09");
    screen.take(fail(ErrorCode::disconnected, "gone\x1b[2J"), {}, "14:05:10");
    const std::string frame = screen.frame(kScreen);
    EXPECT_THAT(frame, HasSubstr("no answer, what stands here is of 14:05:09; asking again: gone?[2J"));
    EXPECT_THAT(frame, HasSubstr("guest100"));
    screen.take(a_host(0, 1), {}, "14:05:11");
    EXPECT_THAT(screen.frame(kScreen), Not(HasSubstr("no answer")));
}

TEST(TopScreen, HasColoursOnlyWhereTheyAreWanted) {
    TopScreen screen(1s);
    screen.take(a_host(0, 1), {{an_operation("a", true)}}, "14:05:09");
    EXPECT_THAT(screen.frame(kScreen), Not(HasSubstr("\x1b")));
    EXPECT_THAT(screen.frame({true, 100, 24}), HasSubstr("\x1b[32msqueeze a"));
}

TEST(Keys, AreReadFromWhatTerminalsSend) {
    EXPECT_THAT(keys_in("\x1b[A\x1b[B\x1bOA\x1b[5~\x1b[6~"),
                ElementsAre(Key::up, Key::down, Key::up, Key::page_up, Key::page_down));
    EXPECT_THAT(keys_in("\x1b[H\x1b[4~gGjk b"),
                ElementsAre(Key::home, Key::end, Key::home, Key::end, Key::down, Key::up, Key::page_down, Key::page_up));
    EXPECT_THAT(keys_in("q"), ElementsAre(Key::quit));
    EXPECT_THAT(keys_in("xyz\x1b[200~\x1b[1;5C\x1b"), IsEmpty());
    EXPECT_THAT(keys_in("\x1b["), IsEmpty());
}

}  // namespace
}  // namespace aerostat::cli
