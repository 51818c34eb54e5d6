#include "host-controller/app/config.h"

#include <algorithm>

#include "daemon/strict_toml.h"
#include "host-controller/decide/policies.h"

namespace aerostat::host::app {
namespace {

using daemon::StrictTable;

constexpr Bytes kLeastMemory{64ULL << 20};
constexpr double kLeastWeight = 0.01;
constexpr double kMostWeight = 1000;

template <class T>
void take(std::optional<T> value, T& into) {
    if (value) into = *std::move(value);
}

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

void read_host(StrictTable& table, HostConfig& config) {
    read_backend(table, config);
    const auto memory = table.bytes("memory");
    config.rules.memory = memory.value_or(Bytes());
    config.rules.emergency_reserve = table.bytes("emergency_reserve").value_or(Bytes(256ULL << 20));
    take(table.text("runtime_dir"), config.runtime_dir);
    config.act = table.word("mode", {"advise", "act"}).value_or("advise") == "act";
    if (const auto policy = table.word("policy", policy_names())) config.rules.policy = policy_named(*policy);
    config.share_condition =
        share_condition_of(table.word("share_host_condition", {"none", "level", "full"}).value_or("level"));
    config.read_group = table.text("read_group");
    config.operate_group = table.text("operate_group");
    config.guest_group = table.text("guest_group");
    if (!memory)
        table.add_problem("memory", "memory is required: the budget for all guests, for example \"8GiB\"");
    else if (*memory < kLeastMemory)
        table.add_problem("memory", "memory is below 64MiB");
    else if (config.rules.emergency_reserve >= *memory)
        table.add_problem("emergency_reserve", "emergency_reserve leaves nothing of memory");
    if (!config.runtime_dir.starts_with('/')) table.add_problem("runtime_dir", "runtime_dir must be an absolute path");
}

void read_positive(StrictTable& table, std::string_view key, Duration& into) {
    const auto value = table.duration(key);
    if (value && *value <= Duration::zero()) table.add_problem(key, std::string(key) + " must be more than zero");
    take(value, into);
}

void read_policy(StrictTable& table, Pacing& pacing) {
    take(table.bytes("smallest_move"), pacing.smallest_move);
    take(table.number("smallest_share", 0, 0.5), pacing.smallest_share);
    const auto step = table.bytes("largest_step");
    if (step && *step < Bytes(1ULL << 20)) table.add_problem("largest_step", "largest_step must be at least 1MiB");
    take(step, pacing.largest_step);
    take(table.number("cost_of_moving", 0, 1000), pacing.cost_of_moving);
    read_positive(table, "payback", pacing.payback);
    take(table.number("least_advantage", 1, 100), pacing.least_advantage);
    read_positive(table, "order_deadline", pacing.order_deadline);
    read_positive(table, "set_aside_after", pacing.set_aside_after);
    read_positive(table, "flag_after", pacing.flag_after);
    read_positive(table, "retry_after", pacing.retry_after);
    read_positive(table, "urgency_lasts", pacing.urgency_lasts);
}

GuestLimits read_limits(StrictTable& table, const GuestLimits& defaults) {
    GuestLimits limits = defaults;
    if (const auto min = table.bytes("min")) limits.min = min;
    if (const auto max = table.bytes("max")) limits.max = max;
    take(table.number("weight", kLeastWeight, kMostWeight), limits.weight);
    if (limits.min && limits.max && *limits.min > *limits.max) {
        table.add_problem("min", "min (" + exact_bytes(*limits.min) + ") is above max (" + exact_bytes(*limits.max) + ")");
    }
    return limits;
}

// finish() hands each table's problems on to the root, whose finish() is the last and tells all.
void close(StrictTable& table) { static_cast<void>(table.finish()); }

Result<HostConfig> read_tables(Result<StrictTable> opened) {
    if (!opened) return tl::unexpected(opened.error());
    StrictTable& root = *opened;
    HostConfig config;
    StrictTable host = root.table("host");
    read_host(host, config);
    close(host);
    StrictTable policy = root.table("policy");
    read_policy(policy, config.rules.pacing);
    close(policy);
    StrictTable defaults_table = root.table("defaults");
    const GuestLimits defaults = read_limits(defaults_table, GuestLimits());
    close(defaults_table);
    StrictTable guests = root.table("guest");
    for (const std::string& name : guests.table_names()) {
        StrictTable guest = guests.table(name);
        config.rules.guests.push_back({name, read_limits(guest, defaults)});
        close(guest);
    }
    close(guests);
    if (auto all = root.finish(); !all) return tl::unexpected(all.error());
    return config;
}

}  // namespace

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
    if (config.rules.guests.empty()) warnings.push_back("no [guest.NAME] section: every guest is observed only");
    return warnings;
}

}  // namespace aerostat::host::app
