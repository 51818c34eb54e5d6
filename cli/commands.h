#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/arguments.h"

namespace aerostat::cli {

/// The values of all options as they were typed; sizes and times are read afterwards by the contract's own parsers, so
/// that the command line and the configuration files accept the same words.
struct TypedOptions {
    std::string socket;
    bool json = false;
    std::string target;
    std::string bytes;
    std::string op;
    std::string deadline;
    std::string hold;
    std::string on_shortfall;
    bool local = false;
    bool no_wait = false;
    bool once = false;
    std::string interval;
    std::string work_file;
    std::string directory;
    std::string since;
    std::string what;
    std::string scenario;
    std::string policies;
    std::string svg;
    bool watch = false;
    std::string exec;
    std::string reserve_for;
    std::string config;
};

/// Adds every command with its options and help page to the parser. `typed` must outlive the parsing.
void add_commands(CLI::App& app, TypedOptions& typed);

}  // namespace aerostat::cli
