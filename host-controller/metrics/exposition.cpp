#include "host-controller/metrics/exposition.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "contract/wire_names.h"
#include "host-controller/metrics/families.h"
#include "host-controller/metrics/guest_families.h"

namespace aerostat::host::metrics {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"ample", "advisory", "tight", "critical"};
// Shown also while no guest is in them: alerts compare numbers that are there.
constexpr std::array<const char*, 6> kStates{"connected", "silent", "stuck", "observed", "paused", "gone"};

// Absent: a level that this version does not know.
std::optional<double> rank_of(std::string_view level) {
    const auto* const found = std::find(kLevels.begin(), kLevels.end(), level);
    if (found == kLevels.end()) return std::nullopt;
    return static_cast<double>(found - kLevels.begin());
}

void add_daemon(Families& families, const Scene& scene) {
    const StatusView& status = scene.status;
    families.gauge("aerostat_build_info", "Version and backend, as labels.", 1,
                   {{"version", status.software}, {"backend", scene.backend}});
    families.gauge("aerostat_acting", "1: plans are carried out; 0: mode is advise.", status.mode == "act" ? 1 : 0);
    families.gauge("aerostat_paused", "1: an operator has paused all deciding.", status.paused ? 1 : 0);
    families.gauge("aerostat_config_last_reload_successful", "0: the last reload was refused, the old configuration holds.",
                   scene.reloaded_well ? 1 : 0);
    families.gauge("aerostat_warnings", "Sentences under warning in aerostatctl status.",
                   static_cast<double>(status.warnings.size()));
    families.counter("aerostat_malformed_lines_total", "Lines of peers that could not be read.",
                     static_cast<double>(status.malformed_lines));
    families.counter("aerostat_peers_cut_off_total", "Peers that flooded or did not read.",
                     static_cast<double>(status.peers_cut_off));
}

void add_budget(Families& families, const Scene& scene) {
    const StatusView& status = scene.status;
    families.gauge("aerostat_memory_bytes", "The budget for all guests together.", number(status.memory));
    families.gauge("aerostat_emergency_reserve_bytes", "Of it, kept free for guests in distress.",
                   number(status.emergency_reserve));
    families.gauge("aerostat_charged_bytes", "What all guests hold, measured from outside.", number(status.charged));
    families.gauge("aerostat_short_bytes", "Floors and minimums exceed the budget by this.",
                   number(status.short_by.value_or(Bytes())));
    families.gauge("aerostat_price_cores_per_gibibyte", "The host's price of memory: CPU seconds a second for each GiB.",
                   status.price);
    families.gauge("aerostat_level", "0 ample, 1 advisory, 2 tight, 3 critical.", rank_of(scene.level));
}

void add_guest_counts(Families& families, const StatusView& status) {
    std::map<std::string, double> guests;
    for (const char* state : kStates) guests[state] = 0;
    for (const GuestView& guest : status.guests) ++guests[guest.state];
    for (const auto& [state, number] : guests)
        families.gauge("aerostat_guests", "Guests by state.", number, {{"state", state}});
}

void add_operations(Families& families, const Scene& scene) {
    families.counter("aerostat_decisions_total", "Decisions made.", static_cast<double>(scene.tally.decisions()));
    families.counter("aerostat_decision_seconds_total", "Time spent deciding.", number(scene.tally.deciding()));
    families.counter("aerostat_tick_delay_seconds_total", "By how much the loop came too late to its work of every second.",
                     number(scene.tally.lateness()));
    families.gauge("aerostat_operations_running", "Operations under way.", static_cast<double>(scene.running_operations));
    for (const auto& [command, sum] : scene.tally.operations()) {
        const Labels labels{{"command", command}};
        for (const auto& [reason, ended] : sum.ended) {
            families.counter("aerostat_operations_total", "Operations that have ended, by command and why.",
                             static_cast<double>(ended), {{"command", command}, {"reason", std::string(wire_name(reason))}});
        }
        families.counter("aerostat_operation_asked_bytes_total", "Asked of them.", number(sum.asked), labels);
        families.counter("aerostat_operation_obtained_bytes_total", "Obtained, by the guests' own measurement.",
                         number(sum.obtained), labels);
        families.counter("aerostat_operation_verified_bytes_total", "Seen from outside, of those that were verified.",
                         number(sum.verified), labels);
        families.counter("aerostat_operation_seconds_total", "Time they took.", number(sum.took), labels);
    }
}

// The names that client libraries of Prometheus use for every process.
void add_process(Families& families, const OwnProcess& process) {
    families.counter("process_cpu_seconds_total", "CPU time of aerostat-hostd.", number(process.cpu));
    families.gauge("process_resident_memory_bytes", "Resident memory of aerostat-hostd.", number(process.resident));
    families.gauge("process_open_fds", "Open file descriptors.", static_cast<double>(process.open_files));
    families.gauge("process_start_time_seconds", "Start, in seconds since 1970.", process.started_unix_s);
}

}  // namespace

std::string expose(const Scene& scene) {
    Families families;
    add_daemon(families, scene);
    add_budget(families, scene);
    add_guest_counts(families, scene.status);
    add_operations(families, scene);
    if (scene.process) add_process(families, *scene.process);
    const std::size_t left_out = add_guests(families, scene.status, kMostJvms);
    families.gauge("aerostat_jvms_left_out", "JVMs beyond the first 2,000, which are not shown here.",
                   static_cast<double>(left_out));
    return families.text();
}

}  // namespace aerostat::host::metrics
