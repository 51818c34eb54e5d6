#include "guest-balloon/app/config.h"

#include <unistd.h>

#include <array>

#include "contract/names.h"
#include "daemon/strict_toml.h"

namespace aerostat::guest {
namespace {

using daemon::StrictTable;

std::string own_hostname() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

template <class T>
void take(std::optional<T> found, T& into) {
    if (found) into = *std::move(found);
}

void read_agents(StrictTable& file, GuestRules& rules) {
    constexpr double kMost = WireLimits::kJvms;
    if (auto lease = file.duration("lease")) {
        rules.agent_lease = to_millis(*lease);
        if (rules.agent_lease < Millis(3'000) || rules.agent_lease > Millis(600'000))
            file.add_problem("lease", "must lie between 3s and 10m");
    }
    if (auto most = file.number("max_agents", 1, kMost)) rules.limits.agents = static_cast<std::size_t>(*most);
    if (auto most = file.number("max_agents_per_uid", 1, kMost))
        rules.limits.agents_per_uid = static_cast<std::size_t>(*most);
    rules.reserve = file.bytes("reserve");
    rules.silence_release_after = file.duration("silence_release_after");
    if (rules.silence_release_after && *rules.silence_release_after < std::chrono::seconds(30)) {
        file.add_problem("silence_release_after", "must be at least 30s: a host that restarts is no reason to let go");
    }
}

void read_pressure(StrictTable& os, PressureThreshold& pressure) {
    take(os.duration("pressure_stall"), pressure.stalled);
    take(os.duration("pressure_window"), pressure.window);
    // The kernel's own bounds.
    if (pressure.window < std::chrono::milliseconds(500) || pressure.window > std::chrono::seconds(10))
        os.add_problem("pressure_window", "must lie between 500ms and 10s");
    if (pressure.stalled <= Duration::zero() || pressure.stalled > pressure.window)
        os.add_problem("pressure_stall", "must be more than nothing and at most pressure_window");
}

void read_os(StrictTable os, GuestdConfig& config) {
    take(os.text("cgroup"), config.os.cgroup.wanted);
    if (const std::string& cgroup = config.os.cgroup.wanted;
        cgroup != "auto" && cgroup != "none" && !cgroup.starts_with('/'))
        os.add_problem("cgroup", "must be auto, none, or the folder of a memory cgroup");
    take(os.flag("balloon"), config.os.moves);
    take(os.flag("probe"), config.os.probes);
    take(os.flag("application_balloon"), config.os.by_application);
    take(os.text("application_balloon_dir"), config.application_balloon_dir);
    if (!config.application_balloon_dir.starts_with('/'))
        os.add_problem("application_balloon_dir", "must be an absolute path");
    if (auto percent = os.number("stall_budget_percent", 0.1, 100)) config.os.stall_budget = *percent / 100;
    take(os.flag("lock_memory"), config.self.lock_memory);
    if (auto score = os.number("oom_score_adj", -1000, 1000)) config.self.oom_score_adj = static_cast<int>(*score);
    read_pressure(os, config.os.pressure);
    static_cast<void>(os.finish());  // its problems are in the root's list
}

Status read_file(StrictTable& file, GuestdConfig& config, std::optional<std::string>& host) {
    take(file.text("runtime_dir"), config.runtime_dir);
    take(file.text("name"), config.name);
    host = file.text("host");
    take(file.word("log_level", {"trace", "debug", "info", "warn", "error"}), config.log_level);
    read_agents(file, config.rules);
    read_os(file.table("os"), config);
    StrictTable control = file.table("control");
    take(control.text("read_group"), config.read_group);
    take(control.text("operate_group"), config.operate_group);
    // Both look for keys nobody asked for; the problems are gathered in one list, which the last to finish returns.
    const Status inner = control.finish();
    const Status outer = file.finish();
    return outer ? inner : outer;
}

Result<GuestdConfig> complete(const CommandLine& line, StrictTable* file) {
    GuestdConfig config;
    std::optional<std::string> host;
    if (file) {
        if (auto read = read_file(*file, config, host); !read) return tl::unexpected(read.error());
    }
    take(line.runtime_dir, config.runtime_dir);
    take(line.name, config.name);
    take(line.log_level, config.log_level);
    if (line.host) host = line.host;
    if (host && !host->empty()) {
        auto address = parse_host_address(*host);
        if (!address) return tl::unexpected(address.error());
        config.host = *std::move(address);
    }
    config.os.cgroup.root = line.root;
    config.os.kept_file = config.runtime_dir + "/os-limit";
    if (config.runtime_dir.empty()) return fail(ErrorCode::bad_value, "runtime_dir must not be empty");
    if (config.name.empty()) config.name = name_from_hostname(own_hostname());
    if (auto name = parse_name(config.name); !name) return while_doing("name", name.error());
    return config;
}

}  // namespace

std::string name_from_hostname(std::string_view hostname) {
    std::string name;
    for (const char c : hostname.substr(0, 64)) name.push_back(c != '~' && is_valid_name(std::string_view(&c, 1)) ? c : '-');
    return name.empty() ? "guest" : name;
}

Result<GuestdConfig> load_config(const CommandLine& line) {
    if (!line.config_file) return complete(line, nullptr);
    auto file = StrictTable::read_file(*line.config_file);
    if (!file) return tl::unexpected(file.error());
    return complete(line, &*file);
}

Result<GuestdConfig> config_from_text(const CommandLine& line, std::string_view text) {
    auto file = StrictTable::parse(text, "guestd.toml");
    if (!file) return tl::unexpected(file.error());
    return complete(line, &*file);
}

std::vector<std::string> needs_restart(const GuestdConfig& running, const GuestdConfig& wanted) {
    std::vector<std::string> keys;
    if (running.runtime_dir != wanted.runtime_dir) keys.emplace_back("runtime_dir");
    if (running.name != wanted.name) keys.emplace_back("name");
    if (running.host != wanted.host) keys.emplace_back("host");
    if (running.read_group != wanted.read_group) keys.emplace_back("control.read_group");
    if (running.operate_group != wanted.operate_group) keys.emplace_back("control.operate_group");
    if (!(running.os == wanted.os)) keys.emplace_back("os");
    if (running.application_balloon_dir != wanted.application_balloon_dir) keys.emplace_back("os.application_balloon_dir");
    if (!(running.self == wanted.self)) keys.emplace_back("os.lock_memory, os.oom_score_adj");
    return keys;
}

}  // namespace aerostat::guest
