#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include "contract/error.h"

namespace aerostat::daemon {

/// Exit codes of the daemons and of aerostatctl.
enum ExitCode : int { kExitMet = 0, kExitError = 1, kExitUsage = 2, kExitShortfall = 3, kExitNoDaemon = 4, kExitDenied = 5 };

/// Sets up spdlog's default logger on stderr: time and level on a terminal, syslog priorities ("<6>…") under systemd
/// (JOURNAL_STREAM). `level`: trace, debug, info, warn, error. Fails: `bad_value` for another word.
[[nodiscard]] Status set_up_log(const std::string& level);

/// SIGTERM and SIGINT stop, SIGHUP reloads, SIGPIPE is ignored. Thread: the io_context's.
class Signals {
public:
    Signals(asio::io_context& loop, std::function<void()> on_stop, std::function<void()> on_reload);

private:
    void wait();
    asio::signal_set signals_;
    std::function<void()> on_stop_;
    std::function<void()> on_reload_;
};

/// Tells systemd (NOTIFY_SOCKET) "READY=1", "STOPPING=1", "STATUS=…"; does nothing elsewhere.
void notify_systemd(const std::string& state);

/// Makes a runtime directory (0755, one level) if it is missing. Fails: `io`, `bad_value` (it is something else, or
/// writable by everybody, which would let others take our sockets' places).
[[nodiscard]] Status prepare_runtime_directory(const std::string& path);

}  // namespace aerostat::daemon
