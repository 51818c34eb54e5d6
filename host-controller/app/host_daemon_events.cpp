#include <algorithm>

#include <spdlog/spdlog.h>

#include "contract/names.h"
#include "host-controller/app/host_daemon.h"
#include "procfs/meminfo.h"

// What happens to guests without their saying so.
namespace aerostat::host::app {
namespace {

constexpr Bytes kPage{4096};  // what an error in memory costs at least

}  // namespace

void HostDaemon::take_event(const GuestId& guest, const GuestEvent& event) {
    switch (event.kind) {
        case GuestEvent::Kind::balloon:
            if (!application_balloons_) return;
            if (const auto left = application_balloons_->less_held(guest, event.actual)) take_balloon_sight(guest, *left);
            return;
        case GuestEvent::Kind::memory_failed:
            last_failure_[guest] = printable(event.words);
            spdlog::warn("memory error guest={} what=\"{}\" errors={}: the budget is less by what was lost", name_of(guest),
                         printable(event.words), ++memory_failures_[guest]);
            break;
        case GuestEvent::Kind::appeared:
            return watch_.appeared(guest, event.actual, clock_.now());
        case GuestEvent::Kind::rebooted:
            watch_.rebooted(guest, clock_.now());
            spdlog::info("event guest={} what=\"{}\"", name_of(guest), printable(event.words));
            break;
        case GuestEvent::Kind::refitted:
            watch_.refitted(guest, clock_.now());
            spdlog::info("event guest={} what=\"{}\"", name_of(guest), printable(event.words));
            if (!why_left_alone(guest).empty()) stop_moving(guest);
            break;
        case GuestEvent::Kind::life:
            spdlog::info("event guest={} what=\"{}\"", name_of(guest), printable(event.words));
            if (!why_left_alone(guest).empty()) stop_moving(guest);
            break;
    }
    glance(guest, [this](std::optional<Bytes>) { decide_soon(); });
}

void HostDaemon::take_balloon_sight(const GuestId& guest, Bytes actual) {
    if (!config_.rules.limits_for(name_of(guest))) return;  // nobody here moves it
    const auto move = watch_.saw(guest, actual, clock_.now());
    if (!move) return;
    spdlog::warn("foreign guest={} from_bytes={} to_bytes={}: {}; it is left alone for {}", name_of(guest),
                 move->from.count(), move->to.count(), describe(*move), format_duration(kYieldsFor));
    stop_moving(guest);
    operations_.balloon_account().forget(guest);
    decide_soon();
}

// What is taking from a guest that is to be left alone ends where it stands.
void HostDaemon::stop_moving(const GuestId& guest) {
    const std::string name = name_of(guest);
    for (const OperationView& view : operations_.views()) {
        const bool is_its = view.target == name || view.target.starts_with(name + "/");
        if (view.running && is_its && view.command != "give" && view.command != "release")
            static_cast<void>(operations_.cancel(view.op));
    }
    watch_operations();
}

std::string HostDaemon::why_left_alone(const GuestId& guest) const {
    std::string why = backend_ ? backend_->why_left_alone(guest) : std::string();
    if (!why.empty()) return why;
    // Who is in need is helped, whoever else has a hand in it.
    const auto cries = state_.urgent.lower_bound(LayerKeyView(guest, {}));
    if (cries != state_.urgent.end() && cries->first.first == guest) return {};
    return watch_.yields(guest, clock_.now());
}

std::vector<std::string> HostDaemon::notes_on(const GuestId& guest) const {
    std::vector<std::string> notes;
    if (const std::string why = why_left_alone(guest); !why.empty()) notes.push_back("left alone: " + why);
    if (const auto since = unmeasured_since_.find(guest);
        since != unmeasured_since_.end() && clock_.now() - since->second >= kMeasurable)
        notes.push_back("cannot be measured (see the log); reservations count it with all that it may hold");
    if (const auto failed = memory_failures_.find(guest); failed != memory_failures_.end())
        notes.push_back(std::to_string(failed->second) + " errors in memory (the last: " + last_failure_.at(guest) +
                        "); move it to another host and have this one's memory checked");
    return notes;
}

// The kernel counts what it has taken out of use; of an error that is only told, a page is lost at least.
void HostDaemon::count_lost_memory() {
    if (const auto meminfo = procfs::read_meminfo()) lost_on_host_ = meminfo->hardware_corrupted;
}

Bytes HostDaemon::lost() const {
    std::uint64_t errors = 0;
    for (const auto& [guest, count] : memory_failures_) errors += count;
    return std::max(lost_on_host_, kPage * std::min<std::uint64_t>(errors, 1ULL << 20U));
}

}  // namespace aerostat::host::app
