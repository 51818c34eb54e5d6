#include <cstdio>

#include <spdlog/spdlog.h>

#include <asio/io_context.hpp>

#include "daemon/service.h"
#include "guest-balloon/app/guest_daemon.h"
#include "guest-balloon/app/options.h"

namespace aerostat::guest {
namespace {

void reload(GuestDaemon& running, const CommandLine& line) {
    auto wanted = load_config(line);
    if (!wanted) return spdlog::error("not reloaded reason=\"{}\"", wanted.error().message);
    for (const std::string& key : running.reload(*wanted)) spdlog::warn("takes effect only after a restart key={}", key);
    spdlog::set_level(spdlog::level::from_str(wanted->log_level));
    spdlog::info("configuration reloaded");
}

int serve(const CommandLine& line, const GuestdConfig& config) {
    // Before there is a thread whose whole stack would be locked.
    auto unprotected = protect_ourselves(config.self, config.os.cgroup.root);
    const SystemClock clock;
    asio::io_context loop(1);
    GuestDaemon guestd(loop, config, clock);
    guestd.note_unprotected(std::move(unprotected));
    const daemon::Signals signals(
        loop,
        [&] {
            spdlog::info("stopping; agents keep what they hold");
            daemon::notify_systemd("STOPPING=1");
            guestd.stop();
        },
        [&] { reload(guestd, line); });
    if (auto opened = guestd.open(); !opened) {
        spdlog::error("{}", opened.error().message);
        return daemon::kExitError;
    }
    spdlog::info("serving name={} runtime_dir={} host={} version={}", config.name, config.runtime_dir,
                 config.host ? to_string(*config.host) : "none", AEROSTAT_VERSION);
    daemon::notify_systemd("READY=1");
    loop.run();
    return daemon::kExitMet;
}

int run(int argc, const char* const* argv) {
    const ParsedLine parsed = parse_command_line(argc, argv);
    if (parsed.exit_code) return *parsed.exit_code;
    auto config = load_config(parsed.line);
    if (!config) {
        std::fprintf(stderr, "aerostat-guestd: %s\n", config.error().message.c_str());
        return daemon::kExitError;
    }
    if (parsed.line.check_config) {
        std::printf("The configuration is good.\n");
        return daemon::kExitMet;
    }
    if (auto set = daemon::set_up_log(config->log_level); !set) {
        std::fprintf(stderr, "aerostat-guestd: %s\n", set.error().message.c_str());
        return daemon::kExitUsage;
    }
    return serve(parsed.line, *config);
}

}  // namespace
}  // namespace aerostat::guest

int main(int argc, char** argv) { return aerostat::guest::run(argc, argv); }
