#pragma once

#include <string>
#include <vector>

#include "contract/control.h"

namespace aerostat::cli {

inline constexpr const char* kDefaultSocket = "/run/aerostat/control.sock";

struct TopOptions {
    bool once = false;
    Millis interval{1000};
    std::string work_file;  ///< empty: no work column
};

struct ConditionOptions {
    bool watch = false;
    std::string command;  ///< for the shell at each change of the level; empty: none
};

/// A command line, understood.
struct Invocation {
    enum class Action { print, ask, top, run_tool, condition, doctor };
    Action action = Action::ask;
    std::string text;  ///< print: a help page or the version
    std::string socket;
    bool json = false;
    ControlRequest request;  ///< ask; its id is set
    TopOptions top;
    std::vector<std::string> tool_arguments;  ///< run_tool: for aerostat-sim, which needs no daemon
    ConditionOptions condition;
    std::string config;  ///< doctor: the daemon's configuration file; empty: where packages put it
};

/// Reads the arguments behind the program's name. `socket` is where to look when --socket is not given.
/// Fails: `bad_value`, with a sentence that says what would be right. Nothing else happens: no I/O.
[[nodiscard]] Result<Invocation> parse_arguments(const std::vector<std::string>& arguments, const std::string& socket);

/// Whether errors are wanted as JSON too; answers for command lines that cannot be understood otherwise.
[[nodiscard]] bool asks_for_json(const std::vector<std::string>& arguments);

}  // namespace aerostat::cli
