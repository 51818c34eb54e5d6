#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host-controller/decide/rules.h"

namespace aerostat::host::app {

/// How much of the host's condition guests are told.
enum class ShareCondition { none, level, full };

/// hostd's configuration; each key is explained in host-controller/hostd.example.toml.
struct HostConfig {
    HostRules rules;
    std::string backend = "local";       ///< "local" or "libvirt"
    std::string uri = "qemu:///system";  ///< libvirt's connection
    std::string runtime_dir = "/run/aerostat";
    std::string punch_dir = "/run/aerostat-punch";  ///< where aerostat-punch is, for guests with an application balloon
    bool act = false;
    std::string history_dir;          ///< empty: see history_directory()
    Bytes history_size{16ULL << 20};  ///< zero: none is kept
    /// Where decisions are kept: history_dir, else "history" in the state directory that systemd gives (STATE_DIRECTORY),
    /// else in the runtime directory.
    [[nodiscard]] std::string history_directory() const;
    /// What outlives a restart, and a reboot where systemd gives a state directory; else in the runtime directory.
    [[nodiscard]] std::string state_file() const;
    [[nodiscard]] std::string state_directory() const;
    std::string metrics_listen;  ///< "127.0.0.1:9177"; empty: no metrics
    ShareCondition share_condition = ShareCondition::level;
    std::optional<std::string> read_group;
    std::optional<std::string> operate_group;
    std::optional<std::string> guest_group;
};

/// Fails: `bad_value` with every problem found, one a line ("FILE:LINE: …"); `not_found`, `io` for the file.
[[nodiscard]] Result<HostConfig> read_config(const std::string& path);
[[nodiscard]] Result<HostConfig> parse_config(std::string_view text, const std::string& name_for_errors);

/// What is accepted but deserves a warning: guaranteed minimums that do not fit, a budget above the machine's memory.
[[nodiscard]] std::vector<std::string> config_warnings(const HostConfig& config, std::optional<Bytes> machine);

}  // namespace aerostat::host::app
