#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "cli/render.h"
#include "tests/support/builders.h"

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;
using aerostat::testing::a_guest_view;
using ::testing::HasSubstr;
using ::testing::Not;

StatusView a_host(std::size_t guests) {
    StatusView status;
    status.daemon = "hostd";
    status.name = "rack1";
    status.mode = "act";
    for (std::size_t i = 0; i < guests; ++i) status.guests.push_back(a_guest_view("guest" + std::to_string(i)));
    return status;
}

auto lines_of(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST(RenderTop, ShowsEachLayerOfEachGuest) {
    const std::string text = render_top(a_host(1), {}, {});
    for (const char* title : {"GUEST", "LAYER", "LIVE", "FOOTPRINT", "TARGET", "PRICE", "GC CPU", "WORK"})
        EXPECT_THAT(text, HasSubstr(title));
    EXPECT_THAT(text, HasSubstr("guest0  guest               1.00 GiB"));
    EXPECT_THAT(text, HasSubstr("          shop    125 MiB   3.00 GiB  [#"));
    EXPECT_THAT(text, HasSubstr("250 ms/s"));
    EXPECT_THAT(text, HasSubstr("12.5 %"));
}

TEST(RenderTop, NamesTheGuestOsWhereItIsSharedOut) {
    StatusView status = a_host(1);
    EXPECT_THAT(render_top(status, {}, {}), Not(HasSubstr("guest OS")));
    status.guests[0].os_layer = OsView{300_MiB, 100_MiB, 350_MiB, 200_MiB, 0.125};
    const std::string text = render_top(status, {}, {});
    EXPECT_THAT(text, HasSubstr("  guest OS"));
    for (const char* figure : {"300 MiB", "350 MiB", "125 ms/s"}) EXPECT_THAT(text, HasSubstr(figure));
}

TEST(RenderTop, PutsAnApplicationsWorkBesideItsMemory) {
    const std::string text = render_top(a_host(2), {{"guest0/shop", "1200 ops/s"}, {"guest1", "7 jobs/s"}}, {});
    EXPECT_THAT(text, HasSubstr("1200 ops/s"));
    EXPECT_THAT(text, HasSubstr("7 jobs/s"));
}

TEST(RenderTop, NamesTheGuestOfAGuestsOwnDaemonBesideItsJvm) {
    StatusView status = a_host(1);
    status.daemon = "guestd";
    status.guests[0].charged = 0_B;
    status.guests[0].target.reset();
    const std::string text = render_top(status, {}, {});
    EXPECT_THAT(text, HasSubstr("guest0    shop"));
    EXPECT_EQ(lines_of(text), 4U);
}

TEST(RenderTop, FitsTheScreen) {
    for (const std::size_t height : {5U, 10U, 24U}) {
        for (const std::size_t width : {20U, 60U, 100U}) {
            StatusView status = a_host(30);
            status.warnings = {"one", "two"};
            const std::string text = render_top(status, {}, Look{false, width, height});
            EXPECT_LE(lines_of(text), std::max<std::size_t>(height, 7U)) << text;
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), width) << line;
        }
    }
    EXPECT_THAT(render_top(a_host(30), {}, Look{false, 100, 24}), HasSubstr("more lines"));
}

TEST(RenderTop, PutsDistressBelowTheTable) {
    StatusView status = a_host(1);
    status.guests[0].state = "silent";
    status.guests[0].jvms[0].report.distress = "occupancy";
    status.warnings = {"no PSI"};
    const std::string text = render_top(status, {}, {});
    EXPECT_THAT(text, HasSubstr("guest0/shop: distress: occupancy\nwarning: no PSI\n"));
    EXPECT_THAT(text, HasSubstr("guest, silent"));
}

TEST(RenderTop, SaysThatThereIsNobody) {
    EXPECT_THAT(render_top(a_host(0), {}, {}), HasSubstr("no guests\n"));
    EXPECT_THAT(render_top(a_host(0), {}, {}), Not(HasSubstr("FOOTPRINT")));
}

}  // namespace
}  // namespace aerostat::cli
