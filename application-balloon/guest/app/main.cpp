#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include <spdlog/spdlog.h>

#include "application-balloon/guest/app/balloon.h"
#include "application-balloon/guest/app/stall_watch.h"
#include "application-balloon/link/line_door.h"
#include "daemon/service.h"
#include "procfs/meminfo.h"

namespace aerostat::balloon::guest {
namespace {

struct Options {
    std::string runtime_dir = "/run/aerostat-balloon";
    std::string huge_pages = "/dev/hugepages";
    std::string reserve;
    std::string log_level = "info";
};

std::optional<int> parse(int argc, const char* const* argv, Options& options) {
    CLI::App app("Holds memory of this guest for its host to take, on guestd's orders.", "aerostat-balloon");
    app.add_option("--runtime-dir", options.runtime_dir, "directory of balloon.sock (default /run/aerostat-balloon)")
        ->type_name("DIR");
    app.add_option("--huge-pages", options.huge_pages,
                   "where hugetlbfs is mounted (default /dev/hugepages); none: pin ordinary memory instead")
        ->type_name("DIR");
    app.add_option("--reserve", options.reserve, "available memory that the guest keeps (default 5 %, 64MiB at least)")
        ->type_name("BYTES");
    app.add_option("--log-level", options.log_level, "trace, debug, info, warn or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    app.set_version_flag("--version", std::string("aerostat-balloon ") + AEROSTAT_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) != 0 ? daemon::kExitUsage : daemon::kExitMet;
    }
    return std::nullopt;
}

// The first way that works: huge pages outlive this process, pinned memory does not. Fails: `busy` (another holds them).
Result<Balloon::Ports> find_source(const Options& options) {
    Balloon::Ports ports;
    if (options.huge_pages != "none") {
        auto huge = huge_page_source(options.huge_pages, options.runtime_dir + "/huge-pages");
        if (huge) {
            ports.source = *std::move(huge);
            return ports;
        }
        if (huge.error().code == ErrorCode::busy) return tl::unexpected(huge.error());
        spdlog::info("no huge pages reason=\"{}\"", huge.error().message);
    }
    auto pinned = pinned_source();
    if (pinned) {
        ports.source = *std::move(pinned);
    } else {
        ports.why_not = pinned.error().message;
    }
    return ports;
}

// Whoever must be killed for want of memory: this one first. Its memory is what the guest can best do without.
void go_first() {
    std::ofstream file("/proc/self/oom_score_adj");
    file << "1000\n" << std::flush;
    if (!file) spdlog::warn("the kernel does not let us be the first to be killed");
}

Result<GuestMemory> look_at_memory() {
    const auto seen = procfs::read_meminfo();
    if (!seen) return tl::unexpected(seen.error());
    return GuestMemory{seen->total, seen->available};
}

bool answer_to(Balloon& balloon, std::string_view line, const LineDoor::Reply& reply) {
    const auto request = parse_balloon_request(line);
    if (!request) return false;
    const BalloonAnswer answer = balloon.answer(*request);
    if (const auto* refused = std::get_if<Refused>(&answer)) spdlog::info("refused reason=\"{}\"", refused->why);
    reply(line_of(answer));
    return true;
}

int serve(const Options& options, Balloon::Ports ports) {
    const SystemClock clock;
    asio::io_context loop(1);
    go_first();
    const std::string method = ports.source ? ports.source->name() : "none: " + ports.why_not;
    Balloon balloon(std::move(ports));
    auto door = LineDoor::open(
        loop, options.runtime_dir + "/balloon.sock",
        [&balloon](std::string_view line, const LineDoor::Reply& reply) { return answer_to(balloon, line, reply); }, clock);
    if (!door) {
        spdlog::error("{}", door.error().message);
        return daemon::kExitError;
    }
    StallWatch stalls(loop, [&] {
        const std::uint32_t pieces = balloon.release();
        if (pieces == 0) return;
        spdlog::warn("the guest stalls; released_pieces={}", pieces);
        (*door)->tell_all(line_of(BalloonAnswer(Released{pieces})));
    });
    if (!stalls.trouble().empty()) spdlog::warn("stalls are not seen reason=\"{}\"", stalls.trouble());
    const daemon::Signals signals(
        loop, [&] { loop.stop(); }, [] {});
    spdlog::info("serving runtime_dir={} method=\"{}\" version={}", options.runtime_dir, method, AEROSTAT_VERSION);
    daemon::notify_systemd("READY=1");
    loop.run();
    daemon::notify_systemd("STOPPING=1");
    spdlog::info("stopping released_pieces={}", balloon.release());
    return daemon::kExitMet;
}

int run(int argc, const char* const* argv) {
    Options options;
    if (const auto exit_code = parse(argc, argv, options)) return *exit_code;
    if (auto set = daemon::set_up_log(options.log_level); !set) {
        std::fprintf(stderr, "aerostat-balloon: %s\n", set.error().message.c_str());
        return daemon::kExitUsage;
    }
    std::optional<Bytes> reserve;
    if (!options.reserve.empty()) {
        const auto read = parse_bytes(options.reserve);
        if (!read) {
            std::fprintf(stderr, "aerostat-balloon: --reserve: %s\n", read.error().message.c_str());
            return daemon::kExitUsage;
        }
        reserve = *read;
    }
    auto ports = daemon::prepare_runtime_directory(options.runtime_dir).and_then([&] { return find_source(options); });
    if (!ports) {
        spdlog::error("{}", ports.error().message);
        return daemon::kExitError;
    }
    ports->memory = look_at_memory;
    ports->reserve = reserve;
    return serve(options, *std::move(ports));
}

}  // namespace
}  // namespace aerostat::balloon::guest

int main(int argc, char** argv) { return aerostat::balloon::guest::run(argc, argv); }
