#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include <spdlog/spdlog.h>
#include <asio/steady_timer.hpp>

#include "application-balloon/host/app/punch_desk.h"
#include "application-balloon/host/app/punch_orders.h"
#include "application-balloon/link/line_door.h"
#include "daemon/service.h"

namespace aerostat::balloon::host {
namespace {

struct Options {
    std::string runtime_dir = "/run/aerostat-punch";
    std::string uri = "qemu:///system";
    std::string log_level = "info";
};

std::optional<int> parse(int argc, const char* const* argv, Options& options) {
    CLI::App app("Takes memory that a guest's aerostat-balloon holds away from its QEMU, on hostd's orders.",
                 "aerostat-punch");
    app.add_option("--runtime-dir", options.runtime_dir, "directory of punch.sock (default /run/aerostat-punch)")
        ->type_name("DIR");
    app.add_option("--uri", options.uri, "libvirt's URI (default qemu:///system)");
    app.add_option("--log-level", options.log_level, "trace, debug, info, warn or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    app.set_version_flag("--version", std::string("aerostat-punch ") + AEROSTAT_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) != 0 ? daemon::kExitUsage : daemon::kExitMet;
    }
    return std::nullopt;
}

// As long as a domain is left paused, tried again each second.
void mend(asio::steady_timer& timer, PunchOrders& orders) {
    orders.mend();
    timer.expires_after(std::chrono::seconds(1));
    timer.async_wait([&timer, &orders](asio::error_code error) {
        if (!error) mend(timer, orders);
    });
}

// A guest that stands still for an order goes on first. One whose QEMU hangs is left to the next of us.
void end_when_idle(asio::io_context& loop, asio::steady_timer& timer, const PunchOrders& orders, int tries = 500) {  // 10 s
    if (orders.is_idle() || tries == 0) return loop.stop();
    timer.expires_after(std::chrono::milliseconds(20));
    timer.async_wait([&loop, &timer, &orders, tries](asio::error_code error) {
        if (!error) end_when_idle(loop, timer, orders, tries - 1);
    });
}

// A thread that hangs may outlive all else: what it uses is its own, or lasts as long as the process.
PunchActs acts_of(const Options& options) {
    static const SystemClock clock;
    const auto desk = std::make_shared<const PunchDesk>(PunchDesk::Settings{options.uri, options.runtime_dir}, clock);
    return {[desk](const PunchRequest& request) { return desk->answer(request); }, [desk] { return desk->left_behind(); },
            [desk](const std::string& domain) { return desk->resume(domain); }};
}

int serve(const Options& options) {
    const SystemClock clock;
    asio::io_context loop(1);
    if (auto prepared = daemon::prepare_runtime_directory(options.runtime_dir); !prepared) {
        spdlog::error("{}", prepared.error().message);
        return daemon::kExitError;
    }
    PunchOrders orders(loop, acts_of(options), clock);
    const auto door = LineDoor::open(
        loop, options.runtime_dir + "/punch.sock",
        [&orders](std::string_view line, const LineDoor::Reply& reply) { return orders.take(line, reply); }, clock);
    if (!door) {
        spdlog::error("{}", door.error().message);
        return daemon::kExitError;
    }
    asio::steady_timer timer(loop);
    mend(timer, orders);
    asio::steady_timer end_timer(loop);
    const daemon::Signals signals(
        loop,
        [&] {
            (*door)->close();
            end_when_idle(loop, end_timer, orders);
        },
        [] {});
    spdlog::info("serving runtime_dir={} uri={} version={}", options.runtime_dir, options.uri, AEROSTAT_VERSION);
    daemon::notify_systemd("READY=1");
    loop.run();
    daemon::notify_systemd("STOPPING=1");
    return daemon::kExitMet;
}

int run(int argc, const char* const* argv) {
    Options options;
    if (const auto exit_code = parse(argc, argv, options)) return *exit_code;
    if (auto set = daemon::set_up_log(options.log_level); !set) {
        std::fprintf(stderr, "aerostat-punch: %s\n", set.error().message.c_str());
        return daemon::kExitUsage;
    }
    return serve(options);
}

}  // namespace
}  // namespace aerostat::balloon::host

int main(int argc, char** argv) { return aerostat::balloon::host::run(argc, argv); }
