#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>

#include "daemon/service.h"
#include "host-controller/app/history_command.h"
#include "host-controller/app/simulate.h"

// aerostat-sim: the policy without a host. `aerostatctl simulate`, `history`, `explain` and `replay` run it.
namespace {

using namespace aerostat;
using namespace aerostat::host;

constexpr int kExitViolated = 3;

struct SimulateLine {
    std::string scenario;
    std::string policies;
    std::string svg;
    bool json = false;
};

int report(const Error& error, int code) {
    std::cerr << "aerostat-sim: " << error.message << '\n';
    return code;
}

Status write_file(const std::string& path, const std::string& text) {
    errno = 0;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return tl::unexpected(error_from_errno("writing " + path, errno));
    return {};
}

int simulate(const SimulateLine& line) {
    auto file = app::read_scenario(line.scenario);
    if (!file) return report(file.error(), daemon::kExitError);
    if (!line.policies.empty()) {
        auto policies = app::parse_policies(line.policies);
        if (!policies) return report(policies.error(), daemon::kExitUsage);
        file->policies = *std::move(policies);
    }
    const auto began = std::chrono::steady_clock::now();
    const sim::Comparison comparison = app::simulate(*file);
    const Duration took = std::chrono::steady_clock::now() - began;
    if (!line.svg.empty()) {
        if (auto written = write_file(line.svg, sim::plot(comparison)); !written)
            return report(written.error(), daemon::kExitError);
    }
    if (line.json)
        std::cout << app::as_json(comparison) << '\n';
    else
        std::cout << sim::render(comparison) << "simulated in " << format_duration(took) << '\n';
    return comparison.violated() == 0 ? daemon::kExitMet : kExitViolated;
}

int print(const Result<std::string>& text) {
    if (!text) return report(text.error(), daemon::kExitError);
    std::cout << *text << std::flush;
    return std::cout ? daemon::kExitMet : daemon::kExitError;
}

CLI::App* add_history(CLI::App& cli, const char* name, const char* summary, app::HistoryQuery& query,
                      std::string& otherwise) {
    CLI::App* command = cli.add_subcommand(name, summary);
    command->add_option("--dir", query.directory, "where hostd keeps its decisions");
    command->add_option("--or-dir", otherwise, "where to look if there is no --dir");
    command->add_option("--since", query.since, "only decisions of the last TIME: 10m");
    command->add_flag("--json", query.json, "print records or figures as JSON");
    return command;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli("aerostat-sim: tries the host's policy on simulated guests", "aerostat-sim");
    cli.require_subcommand(1);
    cli.set_version_flag("--version", "aerostat-sim " AEROSTAT_VERSION);
    SimulateLine line;
    CLI::App* simulating = cli.add_subcommand("simulate", "Days of a host in seconds, under one policy or several");
    simulating->add_option("SCENARIO", line.scenario, "scenario file (TOML)")->required();
    simulating->add_option("--policies", line.policies, "instead of the scenario's own: price,static");
    simulating->add_option("--svg", line.svg, "write plots there");
    simulating->add_flag("--json", line.json, "print the figures as JSON");
    app::HistoryQuery query;
    std::string otherwise;
    CLI::App* showing = add_history(cli, "history", "Kept decisions, one a line", query, otherwise);
    CLI::App* explaining = add_history(cli, "explain", "One kept decision in full", query, otherwise);
    explaining->add_option("WHAT", query.what, "a time (14:05:09, 10m ago: 10m) or a guest; default: the last with orders");
    CLI::App* replaying = add_history(cli, "replay", "Kept decisions under another policy", query, otherwise);
    replaying->add_option("--policy", query.policy, "default: the one recorded, which must decide alike");
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return cli.exit(error) == 0 ? daemon::kExitMet : daemon::kExitUsage;
    }
    std::error_code unknown;
    if (!otherwise.empty() &&
        std::filesystem::status(query.directory, unknown).type() == std::filesystem::file_type::not_found)
        query.directory = otherwise;
    if (showing->parsed()) return print(app::show_history(query));
    if (explaining->parsed()) return print(app::explain(query));
    if (replaying->parsed()) return print(app::replay(query));
    return simulate(line);
}
