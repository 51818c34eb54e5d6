#include <iostream>

#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>

#include "daemon/service.h"
#include "host-controller/app/config.h"
#include "host-controller/app/host_daemon.h"
#include "procfs/meminfo.h"

namespace {

using namespace aerostat;
using namespace aerostat::host;

struct CommandLine {
    std::string config;
    bool check_config = false;
    std::string log_level = "info";
};

std::optional<Bytes> machine_memory() {
    const auto meminfo = procfs::read_meminfo();
    return meminfo ? std::optional(meminfo->total) : std::nullopt;
}

int check(const CommandLine& line) {
    const auto config = app::read_config(line.config);
    if (!config) {
        std::cerr << config.error().message << '\n';
        return daemon::kExitError;
    }
    for (const std::string& warning : app::config_warnings(*config, machine_memory()))
        std::cerr << "warning: " << warning << '\n';
    std::cout << line.config << ": ok: " << format_bytes(config->rules.memory) << " for guests, of it "
              << format_bytes(config->rules.emergency_reserve) << " in reserve; mode " << (config->act ? "act" : "advise")
              << "; policy " << config->rules.policy->name() << "; " << config->rules.guests.size() << " guest sections\n";
    return daemon::kExitMet;
}

void reload(app::HostDaemon& daemon, const CommandLine& line) {
    auto config = app::read_config(line.config);
    if (!config) {
        spdlog::error("the configuration is not reloaded, the one before stays in force:\n{}", config.error().message);
        return daemon.note_bad_reload(config.error().message);
    }
    for (const std::string& warning : app::config_warnings(*config, machine_memory())) spdlog::warn("{}", warning);
    for (const std::string& sentence : daemon.reconfigure(*std::move(config))) spdlog::warn("{}", sentence);
    spdlog::info("configuration reloaded");
}

int run(const CommandLine& line) {
    if (auto log = daemon::set_up_log(line.log_level); !log) {
        std::cerr << log.error().message << '\n';
        return daemon::kExitUsage;
    }
    auto config = app::read_config(line.config);
    if (!config) {
        spdlog::error("{}", config.error().message);
        return daemon::kExitError;
    }
    for (const std::string& warning : app::config_warnings(*config, machine_memory())) spdlog::warn("{}", warning);
    asio::io_context loop;
    const SystemClock clock;
    const std::string directory = config->runtime_dir;
    app::HostDaemon host_daemon(loop, *std::move(config), clock);
    daemon::Signals signals(
        loop,
        [&] {
            spdlog::info("stopping; guests hold what they have");
            daemon::notify_systemd("STOPPING=1");
            host_daemon.stop();
            loop.stop();
        },
        [&] { reload(host_daemon, line); });
    if (auto opened = host_daemon.open(); !opened) {
        spdlog::error("{}", opened.error().message);
        return daemon::kExitError;
    }
    spdlog::info("ready runtime_dir={} mode={} policy={}", directory, host_daemon.acts() ? "act" : "advise",
                 host_daemon.rules().policy->name());
    daemon::notify_systemd("READY=1");
    loop.run();
    return daemon::kExitMet;
}

}  // namespace

int main(int argc, char** argv) {
    CommandLine line;
    CLI::App cli("aerostat-hostd: moves memory between the guests of this host, by what it is worth to them",
                 "aerostat-hostd");
    cli.add_option("--config", line.config, "configuration file (TOML)")->required();
    cli.add_flag("--check-config", line.check_config, "read the configuration, say what is wrong with it, and exit");
    cli.add_option("--log-level", line.log_level, "trace, debug, info, warn or error");
    cli.set_version_flag("--version", "aerostat-hostd " AEROSTAT_VERSION);
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return cli.exit(error) == 0 ? daemon::kExitMet : daemon::kExitUsage;
    }
    return line.check_config ? check(line) : run(line);
}
