#include "guest-balloon/app/options.h"

#include <CLI/CLI.hpp>

#include "daemon/service.h"

namespace aerostat::guest {

ParsedLine parse_command_line(int argc, const char* const* argv) {
    ParsedLine parsed;
    CommandLine& line = parsed.line;
    CLI::App app(
        "Moves memory between this guest's Java heaps and its operating system, on the host's or an operator's orders.",
        "aerostat-guestd");
    app.add_option("--runtime-dir", line.runtime_dir, "directory of agent.sock and control.sock (default /run/aerostat)")
        ->type_name("DIR");
    app.add_option("--name", line.name, "this guest's name (default: the host name)");
    app.add_option("--host", line.host,
                   "the host: unix:PATH, a socket; or virtio:PORT, a virtio-serial port by name or device")
        ->type_name("ADDRESS");
    app.add_option("--config", line.config_file, "configuration file; see guestd.example.toml")->type_name("FILE");
    app.add_option("--log-level", line.log_level, "trace, debug, info, warn or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    app.add_option("--root", line.root)->group("");  // not in the help: stands before /proc and /sys, for tests
    app.add_flag("--check-config", line.check_config, "check options and configuration, then exit");
    app.set_version_flag("--version", std::string("aerostat-guestd ") + AEROSTAT_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool is_error = app.exit(error) != 0;  // prints help, version or the usage error
        parsed.exit_code = is_error ? daemon::kExitUsage : daemon::kExitMet;
    }
    return parsed;
}

}  // namespace aerostat::guest
