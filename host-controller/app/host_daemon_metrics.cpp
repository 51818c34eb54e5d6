#include <sys/resource.h>

#include <filesystem>
#include <utility>

#include <spdlog/spdlog.h>

#include "host-controller/app/host_daemon.h"
#include "host-controller/metrics/exposition.h"
#include "procfs/process.h"

// What Prometheus is shown of the daemon.
namespace aerostat::host::app {
namespace {

Duration since_zero(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t files_open() {
    std::uint64_t count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error))
        ++count;
    return count;
}

metrics::OwnProcess own_process(double started_unix_s) {
    metrics::OwnProcess seen;
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) seen.cpu = since_zero(usage.ru_utime) + since_zero(usage.ru_stime);
    if (const auto held = procfs::own_memory_but_shared(); held) seen.resident = *held;
    seen.open_files = files_open();
    seen.started_unix_s = started_unix_s;
    return seen;
}

}  // namespace

// Metrics are of no account beside the guests: an address that is taken is told, and tried again.
void HostDaemon::open_metrics() {
    metrics_retry_.cancel();
    scrape_door_.reset();
    const std::string before = std::exchange(bad_metrics_, std::string());
    const auto endpoint = metrics::parse_endpoint(config_.metrics_listen);
    if (!endpoint) return;  // none are wanted; a bad address the configuration has refused
    auto door = metrics::ScrapeDoor::open(
        loop_, *endpoint, [this] { return metrics_page(); }, clock_);
    if (!door) {
        bad_metrics_ = door.error().message;
        if (bad_metrics_ != before) spdlog::warn("no metrics for now: {}", bad_metrics_);
        return metrics_retry_.again([this] { open_metrics(); });
    }
    scrape_door_ = *std::move(door);
    metrics_retry_.reset();
    spdlog::info("metrics listen={}", scrape_door_->address());
}

std::string HostDaemon::metrics_page() const {
    metrics::Scene scene;
    scene.status = control::status_view(*this);
    scene.backend = config_.backend;
    scene.level = plan_.level;
    scene.reloaded_well = bad_reload_.empty();
    for (const OperationView& operation : operations_.views()) scene.running_operations += operation.running ? 1 : 0;
    scene.tally = tally_;
    scene.process = own_process(started_unix_s_);
    return metrics::expose(scene);
}

}  // namespace aerostat::host::app
