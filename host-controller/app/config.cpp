#include "host-controller/app/config.h"

#include <algorithm>
#include <cstdlib>

#include "host-controller/app/config_tables.h"
#include "host-controller/decide/policies.h"
#include "host-controller/metrics/scrape_door.h"

namespace aerostat::host::app {
namespace {

// For StrictTable::word.
ShareCondition share_condition_of(const std::string& word) {
    if (word == "none") return ShareCondition::none;
    return word == "full" ? ShareCondition::full : ShareCondition::level;
}

void read_backend(StrictTable& table, HostConfig& config) {
    take(table.word("backend", {"local", "libvirt"}), config.backend);
    const auto uri = table.text("uri");
    if (uri && config.backend != "libvirt") table.add_problem("uri", "uri is for backend = \"libvirt\" only");
    if (uri && uri->empty()) table.add_problem("uri", "uri must not be empty; the usual one is \"qemu:///system\"");
    take(uri, config.uri);
}

void read_history_keys(StrictTable& table, HostConfig& config) {
    constexpr Bytes kLeast{1ULL << 20};
    constexpr Bytes kMost{16ULL << 30};
    take(table.text("history_dir"), config.history_dir);
    if (!config.history_dir.empty() && !config.history_dir.starts_with('/'))
        table.add_problem("history_dir", "history_dir must be an absolute path");
    take(table.bytes("history_size"), config.history_size);
    if (!config.history_size.is_zero() && (config.history_size < kLeast || config.history_size > kMost))
        table.add_problem("history_size", "history_size must be 0B (none is kept), or between 1MiB and 16GiB");
}

void read_metrics(StrictTable& table, HostConfig& config) {
    take(table.text("listen"), config.metrics_listen);
    if (config.metrics_listen.empty()) return;
    if (const auto endpoint = metrics::parse_endpoint(config.metrics_listen); !endpoint)
        table.add_problem("listen", endpoint.error().message);
}

void read_host(StrictTable& table, HostConfig& config) {
    read_backend(table, config);
    read_budget(table, config.rules);
    take(table.text("runtime_dir"), config.runtime_dir);
    take(table.text("punch_dir"), config.punch_dir);
    if (!config.punch_dir.starts_with('/')) table.add_problem("punch_dir", "punch_dir must be an absolute path");
    config.act = table.word("mode", {"advise", "act"}).value_or("advise") == "act";
    if (const auto policy = table.word("policy", policy_names())) config.rules.policy = policy_named(*policy);
    config.share_condition =
        share_condition_of(table.word("share_host_condition", {"none", "level", "full"}).value_or("level"));
    read_history_keys(table, config);
    config.read_group = table.text("read_group");
    config.operate_group = table.text("operate_group");
    config.guest_group = table.text("guest_group");
    if (!config.runtime_dir.starts_with('/')) table.add_problem("runtime_dir", "runtime_dir must be an absolute path");
}

GuestLimits read_guest(StrictTable& table, const GuestLimits& defaults) {
    GuestLimits limits = read_limits(table, defaults);
    take(table.flag("application_balloon"), limits.application_balloon);
    return limits;
}

Result<HostConfig> read_tables(Result<StrictTable> opened) {
    if (!opened) return tl::unexpected(opened.error());
    StrictTable& root = *opened;
    HostConfig config;
    StrictTable host = root.table("host");
    read_host(host, config);
    close(host);
    StrictTable metrics = root.table("metrics");
    read_metrics(metrics, config);
    close(metrics);
    StrictTable policy = root.table("policy");
    read_pacing(policy, config.rules.pacing);
    close(policy);
    StrictTable defaults_table = root.table("defaults");
    const GuestLimits defaults = read_guest(defaults_table, GuestLimits());
    close(defaults_table);
    StrictTable guests = root.table("guest");
    for (const std::string& name : guests.table_names()) {
        StrictTable guest = guests.table(name);
        config.rules.guests.push_back({name, read_guest(guest, defaults)});
        close(guest);
    }
    close(guests);
    if (auto all = root.finish(); !all) return tl::unexpected(all.error());
    return config;
}

}  // namespace

// That systemd gives; several are separated by ':', ours is the first. Without systemd the runtime directory.
std::string HostConfig::state_directory() const {
    const char* const state = std::getenv("STATE_DIRECTORY");
    const std::string given = state ? std::string(state).substr(0, std::string(state).find(':')) : std::string();
    return given.starts_with('/') ? given : runtime_dir;
}

std::string HostConfig::history_directory() const {
    return history_dir.empty() ? state_directory() + "/history" : history_dir;
}

std::string HostConfig::state_file() const { return state_directory() + "/hostd.state"; }

Result<HostConfig> read_config(const std::string& path) { return read_tables(StrictTable::read_file(path)); }

Result<HostConfig> parse_config(std::string_view text, const std::string& name_for_errors) {
    return read_tables(StrictTable::parse(text, name_for_errors));
}

std::vector<std::string> config_warnings(const HostConfig& config, std::optional<Bytes> machine) {
    std::vector<std::string> warnings;
    Bytes minimums;
    for (const GuestRule& rule : config.rules.guests) minimums += rule.limits.min.value_or(Bytes());
    if (minimums > config.rules.capacity()) {
        warnings.push_back("the guaranteed minimums (" + format_bytes(minimums) +
                           ") are more than memory less emergency_reserve (" + format_bytes(config.rules.capacity()) + ")");
    }
    if (machine && config.rules.memory > *machine) {
        warnings.push_back("memory (" + format_bytes(config.rules.memory) + ") is more than this machine has (" +
                           format_bytes(*machine) + ")");
    }
    const auto listen = metrics::parse_endpoint(config.metrics_listen);
    if (listen && !listen->address().is_loopback()) {
        warnings.push_back("[metrics] listen = \"" + config.metrics_listen +
                           "\": whoever reaches this address can read the metrics");
    }
    const auto by_application = [](const GuestRule& rule) { return rule.limits.application_balloon; };
    if (config.backend != "libvirt" && std::any_of(config.rules.guests.begin(), config.rules.guests.end(), by_application))
        warnings.push_back("application_balloon is for virtual machines (backend = \"libvirt\"): it changes nothing here");
    if (config.rules.guests.empty()) warnings.push_back("no [guest.NAME] section: every guest is observed only");
    return warnings;
}

}  // namespace aerostat::host::app
