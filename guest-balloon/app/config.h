#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest-balloon/app/os_layer.h"
#include "guest-balloon/app/self_protection.h"
#include "guest-balloon/decide/guest_state.h"
#include "guest-balloon/link/host_address.h"

namespace aerostat::guest {

/// What the command line says; absent: as in the file, else the default.
struct CommandLine {
    std::optional<std::string> config_file;
    std::optional<std::string> runtime_dir;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::optional<std::string> log_level;
    std::string root;  ///< stands before /proc and /sys, for tests
    bool check_config = false;
};

/// How the daemon runs. Documented key by key in guestd.example.toml.
struct GuestdConfig {
    std::string runtime_dir = "/run/aerostat";
    std::string name;                 ///< default: the machine's host name, made valid
    std::optional<HostAddress> host;  ///< absent: no host is in charge
    std::string log_level = "info";
    std::string read_group;  ///< unix group; empty: root and our own user only
    std::string operate_group;
    GuestRules rules;
    OsLayerSettings os;
    SelfProtection self;
    std::string application_balloon_dir = "/run/aerostat-balloon";  ///< where its aerostat-balloon is, if os.by_application
};

/// The file's values below those of the command line. Fails: `bad_value` (all problems of the file, one a line),
/// `not_found`, `io`.
[[nodiscard]] Result<GuestdConfig> load_config(const CommandLine& line);

/// The same from a file's text, for tests.
[[nodiscard]] Result<GuestdConfig> config_from_text(const CommandLine& line, std::string_view text);

/// Keys that differ and only take effect after a restart.
[[nodiscard]] std::vector<std::string> needs_restart(const GuestdConfig& running, const GuestdConfig& wanted);

/// A host name as a guest's name: what is not allowed becomes '-'; never empty.
[[nodiscard]] std::string name_from_hostname(std::string_view hostname);

}  // namespace aerostat::guest
