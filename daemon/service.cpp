#include "daemon/service.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace aerostat::daemon {
namespace {

/// "%P": the syslog priority that journald reads at the start of a line (sd-daemon(3)).
class PriorityFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
        const std::string_view prefix = priority_of(message.level);
        out.append(prefix.data(), prefix.data() + prefix.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PriorityFlag>(); }

private:
    static std::string_view priority_of(spdlog::level::level_enum level) {
        switch (level) {
            case spdlog::level::critical:
                return "<2>";
            case spdlog::level::err:
                return "<3>";
            case spdlog::level::warn:
                return "<4>";
            case spdlog::level::info:
                return "<6>";
            default:
                return "<7>";
        }
    }
};

}  // namespace

Status set_up_log(const std::string& level) {
    const auto chosen = spdlog::level::from_str(level);
    if (chosen == spdlog::level::off && level != "off") {
        return fail(ErrorCode::bad_value,
                    "\"" + level + "\" is not a log level: trace, debug, info, warn or error is expected");
    }
    spdlog::drop("aerostat");                           // a second call replaces the first one's logger
    auto logger = spdlog::stderr_color_mt("aerostat");  // aerostat-punch works on several threads
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    const bool under_systemd = std::getenv("JOURNAL_STREAM") != nullptr;
    formatter->add_flag<PriorityFlag>('P').set_pattern(under_systemd ? "%P%v" : "%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(chosen);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

Signals::Signals(asio::io_context& loop, std::function<void()> on_stop, std::function<void()> on_reload)
    : signals_(loop, SIGTERM, SIGINT, SIGHUP), on_stop_(std::move(on_stop)), on_reload_(std::move(on_reload)) {
    std::signal(SIGPIPE, SIG_IGN);  // a peer that goes away is an error value, not a death
    wait();
}

void Signals::wait() {
    signals_.async_wait([this](asio::error_code error, int signal) {
        if (error) return;
        wait();
        if (signal == SIGHUP)
            on_reload_();
        else
            on_stop_();
    });
}

void notify_systemd(const std::string& state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (!path || (path[0] != '/' && path[0] != '@')) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    // Only a courtesy to the service manager: a lost notice is not our failure.
    [[maybe_unused]] const ssize_t sent =
        ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
    ::close(fd);
}

Status prepare_runtime_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        return tl::unexpected(error_from_errno("making the runtime directory " + path, errno));
    }
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return tl::unexpected(error_from_errno("looking at the runtime directory " + path, errno));
    if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::bad_value, "the runtime directory " + path + " is not a directory");
    if ((info.st_mode & S_IWOTH) != 0) {
        return fail(ErrorCode::bad_value,
                    "the runtime directory " + path +
                        " is writable by everybody: others could put their sockets in our place; chmod o-w it");
    }
    return {};
}

}  // namespace aerostat::daemon
