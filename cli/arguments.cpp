#include "cli/arguments.h"

#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "cli/help_text.h"
#include "contract/names.h"
#include "contract/wire_names.h"

namespace aerostat::cli {
namespace {

constexpr Millis kShortestInterval{100};

Status read_time(const std::string& option, const std::string& typed, std::optional<Millis>& value) {
    if (typed.empty()) return {};
    const auto parsed = parse_duration(typed);
    if (!parsed) return while_doing(option, parsed.error());
    const Millis millis = to_millis(*parsed);
    if (millis.count() < 1) return fail(ErrorCode::bad_value, option + ": at least 1ms is expected");
    value = millis;
    return {};
}

Status read_bytes(const std::string& typed, std::optional<Bytes>& value) {
    if (typed.empty()) return {};
    const auto parsed = parse_bytes(typed);
    if (!parsed) return while_doing("BYTES", parsed.error());
    if (parsed->is_zero()) return fail(ErrorCode::bad_value, "BYTES: more than zero is expected");
    value = *parsed;
    return {};
}

Status read_on_shortfall(const std::string& typed, OnShortfall& value) {
    if (typed.empty()) return {};
    const auto known = from_wire_name<OnShortfall>(typed);
    if (!known)
        return fail(ErrorCode::bad_value, "--on-shortfall: \"" + printable(typed, 40) + "\" is neither keep nor rollback");
    value = *known;
    return {};
}

// GUEST, GUEST/JVM or a JVM's name. Whether it exists only the daemon knows.
Status check_target(const std::string& typed) {
    if (typed.empty()) return {};
    const auto slash = typed.find('/');
    const std::string_view whole = typed;
    const bool valid = slash == std::string::npos
                           ? is_valid_name(whole)
                           : is_valid_name(whole.substr(0, slash)) && is_valid_name(whole.substr(slash + 1));
    if (valid) return {};
    return fail(ErrorCode::bad_value,
                "\"" + printable(typed, 80) + "\" is not a target: GUEST, GUEST/JVM or a JVM's name is expected");
}

Status read_request(const std::string& command, const TypedOptions& typed, ControlRequest& request) {
    request.id = fresh_id();
    request.command = from_wire_name<Command>(command).value_or(Command::status);
    if (auto checked = check_target(typed.target); !checked) return checked;
    request.target = typed.target;
    if (!typed.reserve_for.empty()) {
        if (!is_valid_name(typed.reserve_for))
            return fail(ErrorCode::bad_value, "--for: \"" + printable(typed.reserve_for, 80) + "\" is not a guest's name");
        request.target = typed.reserve_for;
    }
    if (!typed.op.empty() && !is_valid_id(typed.op)) {
        return fail(ErrorCode::bad_value,
                    "\"" + printable(typed.op, 80) + "\" is not an operation's id; see aerostatctl ops");
    }
    request.op = typed.op;
    request.local = typed.local;
    request.wait = !typed.no_wait;
    if (auto read = read_bytes(typed.bytes, request.bytes); !read) return read;
    if (auto read = read_time("--deadline", typed.deadline, request.deadline); !read) return read;
    if (auto read = read_time("--hold", typed.hold, request.hold); !read) return read;
    return read_on_shortfall(typed.on_shortfall, request.on_shortfall);
}

Status read_top(const TypedOptions& typed, TopOptions& top) {
    std::optional<Millis> interval;
    if (auto read = read_time("--interval", typed.interval, interval); !read) return read;
    top.once = typed.once;
    top.interval = std::max(interval.value_or(top.interval), kShortestInterval);
    top.work_file = typed.work_file;
    return {};
}

// The tool reads the file and judges the words; here they are only passed on.
std::vector<std::string> simulate_arguments(const TypedOptions& typed) {
    std::vector<std::string> arguments{"simulate"};
    if (typed.json) arguments.emplace_back("--json");
    if (!typed.policies.empty()) arguments.insert(arguments.end(), {"--policies", typed.policies});
    if (!typed.svg.empty()) arguments.insert(arguments.end(), {"--svg", typed.svg});
    arguments.insert(arguments.end(), {"--", typed.scenario});
    return arguments;
}

// hostd's decisions are found beside its socket; where it has not run since the machine booted, where its service keeps
// them.
std::vector<std::string> history_arguments(const std::string& command, const TypedOptions& typed,
                                           const std::string& socket) {
    const std::string beside = socket.substr(0, socket.rfind('/') + 1) + "history";
    std::vector<std::string> arguments{command, "--dir", typed.directory.empty() ? beside : typed.directory};
    if (typed.directory.empty()) arguments.insert(arguments.end(), {"--or-dir", "/var/lib/aerostat/history"});
    if (typed.json) arguments.emplace_back("--json");
    if (!typed.since.empty()) arguments.insert(arguments.end(), {"--since", typed.since});
    if (!typed.policies.empty()) arguments.insert(arguments.end(), {"--policy", typed.policies});
    if (!typed.what.empty()) arguments.insert(arguments.end(), {"--", typed.what});
    return arguments;
}

bool reads_history(const std::string& command) {
    return command == "history" || command == "explain" || command == "replay";
}

Invocation::Action action_of(const std::string& command) {
    if (command == "top") return Invocation::Action::top;
    if (command == "doctor") return Invocation::Action::doctor;
    return command == "condition" ? Invocation::Action::condition : Invocation::Action::ask;
}

// The parser only says that a command is missing when it did not know the word.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
    const auto unknown = app.get_subcommands().empty() ? app.remaining() : std::vector<std::string>();
    if (!unknown.empty()) return "\"" + printable(unknown.front(), 40) + "\" is not a command";
    return printable(error.what(), 400);
}

// Help and version arrive as exceptions of the parser, as errors do; both end here.
Result<Invocation> from_exception(CLI::App& app, const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream ignored;
    if (app.exit(error, out, ignored) != 0)
        return fail(ErrorCode::bad_value, complaint(app, error) + "; see aerostatctl --help");
    Invocation invocation;
    invocation.action = Invocation::Action::print;
    invocation.text = out.str();
    return invocation;
}

}  // namespace

Result<Invocation> parse_arguments(const std::vector<std::string>& arguments, const std::string& socket) {
    const HelpText help = program_help();
    CLI::App app{std::string(help.summary), "aerostatctl"};
    app.footer(std::string(help.page));
    app.set_version_flag("--version", "aerostatctl " AEROSTAT_VERSION);
    app.require_subcommand(1);
    TypedOptions typed;
    add_commands(app, typed);
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // the parser takes them from the back
    } catch (const CLI::ParseError& error) {
        return from_exception(app, error);
    }
    const std::string command = app.get_subcommands().front()->get_name();
    Invocation invocation;
    invocation.action = action_of(command);
    invocation.condition = ConditionOptions{typed.watch, typed.exec};
    invocation.socket = typed.socket.empty() ? socket : typed.socket;
    invocation.json = typed.json;
    invocation.config = typed.config;
    if (command == "simulate" || reads_history(command)) {
        invocation.action = Invocation::Action::run_tool;
        invocation.tool_arguments =
            reads_history(command) ? history_arguments(command, typed, invocation.socket) : simulate_arguments(typed);
        return invocation;
    }
    if (auto read = read_request(command, typed, invocation.request); !read) return tl::unexpected(read.error());
    if (auto read = read_top(typed, invocation.top); !read) return tl::unexpected(read.error());
    return invocation;
}

bool asks_for_json(const std::vector<std::string>& arguments) {
    return std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
}

}  // namespace aerostat::cli
