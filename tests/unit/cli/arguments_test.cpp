#include "cli/arguments.h"

#include <gmock/gmock.h>

#include "cli/help_text.h"

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;
using ::testing::HasSubstr;

Result<Invocation> parse(const std::vector<std::string>& arguments) { return parse_arguments(arguments, "/default.sock"); }

std::string complaint(const std::vector<std::string>& arguments) {
    const auto parsed = parse(arguments);
    return parsed ? "(accepted)" : parsed.error().message;
}

TEST(Arguments, ReadASqueezeWithEverything) {
    const auto parsed = parse({"--socket", "/x.sock", "squeeze", "orders/api", "512MiB", "--deadline", "2s",
                               "--on-shortfall", "rollback", "--hold", "10m", "--local", "--no-wait", "--json"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->action, Invocation::Action::ask);
    EXPECT_EQ(parsed->socket, "/x.sock");
    EXPECT_TRUE(parsed->json);
    const ControlRequest& request = parsed->request;
    EXPECT_EQ(request.command, Command::squeeze);
    EXPECT_EQ(request.target, "orders/api");
    EXPECT_EQ(request.bytes, 512_MiB);
    EXPECT_EQ(request.deadline, Millis(2000));
    EXPECT_EQ(request.hold, Millis(600'000));
    EXPECT_EQ(request.on_shortfall, OnShortfall::rollback);
    EXPECT_TRUE(request.local);
    EXPECT_FALSE(request.wait);
    EXPECT_FALSE(request.id.empty());
}

TEST(Arguments, PassASimulationOnToItsTool) {
    const auto parsed = parse({"simulate", "day.toml", "--svg", "day.svg", "--policies", "price,static", "--json"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->action, Invocation::Action::run_tool);
    EXPECT_THAT(parsed->tool_arguments, ::testing::ElementsAre("simulate", "--json", "--policies", "price,static", "--svg",
                                                               "day.svg", "--", "day.toml"));
    EXPECT_THAT(complaint({"simulate"}), HasSubstr("SCENARIO"));
}

TEST(Arguments, LookForTheHistoryBesideTheSocket) {
    const auto parsed = parse({"--socket", "/run/a/control.sock", "explain", "orders", "--since", "1h"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->action, Invocation::Action::run_tool);
    EXPECT_THAT(parsed->tool_arguments,
                ::testing::ElementsAre("explain", "--dir", "/run/a/history", "--or-dir", "/var/lib/aerostat/history",
                                       "--since", "1h", "--", "orders"));
    EXPECT_THAT(parse({"replay", "--policy", "static", "--dir", "/h", "--json"})->tool_arguments,
                ::testing::ElementsAre("replay", "--dir", "/h", "--json", "--policy", "static"));
}

TEST(Arguments, LeaveToTheDaemonWhatIsNotSaid) {
    const auto parsed = parse({"squeeze", "api", "1GiB"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->socket, "/default.sock");
    EXPECT_FALSE(parsed->request.deadline);
    EXPECT_FALSE(parsed->request.hold);
    EXPECT_EQ(parsed->request.on_shortfall, OnShortfall::keep);
    EXPECT_TRUE(parsed->request.wait);
}

TEST(Arguments, KnowEveryCommandOfTheContract) {
    const std::vector<std::vector<std::string>> lines = {{"status"},
                                                         {"jvms"},
                                                         {"ops"},
                                                         {"plan"},
                                                         {"squeeze", "a", "1MiB"},
                                                         {"give", "a", "1MiB"},
                                                         {"release"},
                                                         {"release", "a/b"},
                                                         {"cancel", "op-1"},
                                                         {"pause"},
                                                         {"pause", "a"},
                                                         {"resume", "a"},
                                                         {"reserve", "1GiB", "--for", "a"},
                                                         {"doctor"}};
    for (const auto& line : lines) {
        const auto parsed = parse(line);
        ASSERT_TRUE(parsed) << line.front() << ": " << parsed.error().message;
        EXPECT_EQ(to_string(parsed->request.command), line.front());
    }
}

TEST(Arguments, ReadTopWithItsOptions) {
    const auto parsed = parse({"top", "--once", "--interval", "250ms", "--work", "/rates"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->action, Invocation::Action::top);
    EXPECT_TRUE(parsed->top.once);
    EXPECT_EQ(parsed->top.interval, Millis(250));
    EXPECT_EQ(parsed->top.work_file, "/rates");
    EXPECT_EQ(parsed->request.command, Command::status);
}

TEST(Arguments, KeepTheRefreshOfTopBearable) {
    const auto parsed = parse({"top", "--interval", "1ms"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->top.interval, Millis(100));
}

TEST(Arguments, RefuseWhatHasNoUnit) {
    EXPECT_THAT(complaint({"squeeze", "api", "512"}), HasSubstr("a bare number has no unit"));
    EXPECT_THAT(complaint({"squeeze", "api", "512MB"}), HasSubstr("not a size"));
    EXPECT_THAT(complaint({"squeeze", "api", "512MiB", "--deadline", "5"}), HasSubstr("--deadline: \"5\" is not a time"));
    EXPECT_THAT(complaint({"top", "--interval", "1"}), HasSubstr("--interval"));
}

TEST(Arguments, RefuseWhatCannotBeMeant) {
    EXPECT_THAT(complaint({"squeeze", "api", "0MiB"}), HasSubstr("more than zero"));
    EXPECT_THAT(complaint({"squeeze", "api", "-5MiB"}), HasSubstr("not a size"));
    EXPECT_THAT(complaint({"squeeze", "a b", "5MiB"}), HasSubstr("not a target"));
    EXPECT_THAT(complaint({"squeeze", "a/b/c", "5MiB"}), HasSubstr("not a target"));
    EXPECT_THAT(complaint({"squeeze", "a/", "5MiB"}), HasSubstr("not a target"));
    EXPECT_THAT(complaint({"cancel", "no such\x1b[2J"}), HasSubstr("not an operation's id"));
    EXPECT_THAT(complaint({"squeeze", "a", "5MiB", "--on-shortfall", "explode"}), HasSubstr("neither keep nor rollback"));
    EXPECT_THAT(complaint({"squeeze", "a", "5MiB", "--deadline", "0s"}), HasSubstr("at least 1ms"));
}

TEST(Arguments, RefuseUnknownCommandsAndOptions) {
    EXPECT_THAT(complaint({"frobnicate"}), HasSubstr("\"frobnicate\" is not a command"));
    EXPECT_THAT(complaint({"status", "--frobnicate"}), HasSubstr("--frobnicate"));
    EXPECT_THAT(complaint({"squeeze", "api"}), HasSubstr("BYTES is required"));
    EXPECT_THAT(complaint({}), HasSubstr("subcommand is required"));
    EXPECT_EQ(parse({"frobnicate"}).error().code, ErrorCode::bad_value);
}

TEST(Arguments, NeverPutControlBytesIntoAComplaint) {
    for (const char c : complaint({"\x1b[2Jstatus"})) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(Arguments, PrintAHelpPageForTheToolAndForEachCommand) {
    const auto tool = parse({"--help"});
    ASSERT_TRUE(tool);
    EXPECT_EQ(tool->action, Invocation::Action::print);
    EXPECT_THAT(tool->text, HasSubstr("Exit status:"));
    for (const char* command : {"status", "jvms", "top", "squeeze", "give", "release", "plan", "ops", "cancel", "pause",
                                "resume", "reserve", "doctor"}) {
        const auto page = parse({command, "--help"});
        ASSERT_TRUE(page) << command;
        EXPECT_EQ(page->action, Invocation::Action::print);
        EXPECT_THAT(page->text, HasSubstr("Examples:\n  aerostatctl " + std::string(command))) << command;
        EXPECT_THAT(tool->text, HasSubstr(command_help(command).summary));
    }
    EXPECT_TRUE(command_help("frobnicate").summary.empty());
}

TEST(Arguments, TellWhetherErrorsAreWantedAsJson) {
    EXPECT_TRUE(asks_for_json({"frobnicate", "--json"}));
    EXPECT_FALSE(asks_for_json({"status"}));
}

}  // namespace
}  // namespace aerostat::cli
