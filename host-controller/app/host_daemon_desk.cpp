#include <algorithm>

#include <spdlog/spdlog.h>

#include "host-controller/app/host_daemon.h"
#include "host-controller/decide/tracking.h"

// The operators' side of the daemon.
namespace aerostat::host::app {
namespace {

constexpr Duration kMargin = std::chrono::seconds(2);  // an operation ends this long after its deadline at the latest

}  // namespace

HostSnapshot HostDaemon::seen() const {
    HostSnapshot picture = register_.snapshot(config_.rules.memory, clock_.now());
    picture.settling = settling(clock_.now());
    for (GuestSeen& guest : picture.guests) guest.left_alone = why_left_alone(guest.id);
    return picture;
}

HostPlan HostDaemon::dry_run() const { return decide(seen(), state_, rules_now(), clock_.now()); }

StatusView HostDaemon::status_frame() const {
    StatusView view;
    view.name = backend_ ? backend_->name() : "";
    view.software = AEROSTAT_VERSION;
    view.malformed_lines = (backend_ ? backend_->malformed_lines() : 0) + (control_ ? control_->malformed_lines() : 0);
    view.peers_cut_off = (backend_ ? backend_->peers_cut_off() : 0) + (control_ ? control_->peers_cut_off() : 0);
    if (!bad_reload_.empty()) view.warnings.push_back("the configuration was not reloaded: " + bad_reload_);
    if (!bad_kept_state_.empty()) view.warnings.push_back(bad_kept_state_);
    if (!bad_history_.empty()) view.warnings.push_back("decisions are not kept: " + bad_history_);
    if (history_ && !history_->unreadable().empty()) view.warnings.push_back("the history: " + history_->unreadable());
    if (!bad_metrics_.empty()) view.warnings.push_back("no metrics: " + bad_metrics_);
    if (settling(clock_.now()))
        view.warnings.push_back("just started: waiting for " + std::to_string(awaited_.size()) +
                                " known guests, nothing is given meanwhile");
    if (backend_) {
        for (std::string& warning : backend_->warnings()) view.warnings.push_back(std::move(warning));
    }
    for (const GuestId& guest : unreadable_)
        view.warnings.push_back(name_of(guest) + " has processes that cannot be measured: run aerostat-hostd as root");
    return view;
}

const GuestReport* HostDaemon::report_of(const GuestId& guest) const {
    const sense::GuestRecord* record = register_.find(guest);
    return record && record->report ? &*record->report : nullptr;
}

std::optional<control::OsSize> HostDaemon::os_size_of(const GuestId& guest) const {
    const sense::GuestRecord* record = register_.find(guest);
    if (!record || !record->balloon) return std::nullopt;
    return control::OsSize{record->balloon->maximum, saturating_sub(record->balloon->maximum, record->balloon->actual)};
}

Millis HostDaemon::report_age(const GuestId& guest) const {
    const sense::GuestRecord* record = register_.find(guest);
    return record ? to_millis(clock_.now() - record->report_at) : Millis(0);
}

OperationView HostDaemon::carry_out(control::Errand errand, std::function<void(const OperationView&)> done) {
    const bool squeezes = errand.command == Command::squeeze;
    act::OperationOrder order;
    order.command = std::string(to_string(errand.command));
    order.guest = errand.guest;
    order.target = errand.target;
    order.layers = errand.order.layers;
    order.asked = errand.order.asked;
    order.deadline = errand.deadline;
    order.on_shortfall = errand.on_shortfall;
    order.hold = errand.hold;
    follow_with_balloon(order);
    order.os_gives_all = errand.command == Command::release;
    order.verify = squeezes;
    const TimePoint busy_until = clock_.now() + errand.deadline + kMargin;
    for (const LayerOrder& layer : order.layers) {
        const LayerKey key{errand.guest, layer.layer};
        note_ordered(state_, key, layer.target.footprint, busy_until);
        if (squeezes)
            set_ceiling(state_, key, layer.target.footprint,
                        errand.hold ? std::optional(busy_until + *errand.hold) : std::nullopt);
        else
            end_ceilings(state_, errand.guest, layer.layer);
    }
    spdlog::info("{} target={} asked_bytes={} deadline_ms={}", order.command, order.target, order.asked.count(),
                 order.deadline.count());
    const std::string op = operations_.start(
        std::move(order), [this, squeezes, hold = errand.hold, done = std::move(done)](const act::EndedOperation& ended) {
            tally_.ended(ended.view);
            settle(ended);
            if (squeezes) squeeze_ended(ended, hold);
            spdlog::info("{} ended target={} obtained_bytes={} reason={}", ended.view.command, ended.view.target,
                         ended.view.obtained.count(), to_string(ended.view.reason));
            keep();
            decide_soon();
            if (done) done(ended.view);
        });
    keep();
    watch_operations();
    const auto views = operations_.views();
    const auto begun = std::find_if(views.begin(), views.end(), [&](const OperationView& view) { return view.op == op; });
    return begun == views.end() ? OperationView() : *begun;
}

// What was obtained is the ceiling from now on; nothing is held when the operation was undone.
void HostDaemon::squeeze_ended(const act::EndedOperation& ended, std::optional<Millis> hold) {
    const bool undone = ended.view.rest == RestIs::rolled_back || ended.view.reason == EndReason::cancelled;
    for (const LayerOrder& layer : ended.layers) {
        const LayerKey key{ended.guest, layer.layer};
        if (undone) {
            end_ceilings(state_, ended.guest, layer.layer);
            continue;
        }
        const auto known = state_.ceilings.find(key);
        if (known == state_.ceilings.end()) continue;  // given or resumed meanwhile
        Bytes footprint = layer.target.footprint;
        for (const JvmOutcome& outcome : ended.outcomes) {
            if (outcome.jvm != layer.layer || !shows_the_heap(outcome)) continue;
            footprint = told_to_come_to(layer, outcome);
            if (!outcome.shortfall.is_zero()) footprint = std::max(footprint, outcome.after);
        }
        set_ceiling(state_, key, footprint, hold ? std::optional(clock_.now() + *hold) : std::nullopt);
    }
}

Result<OperationView> HostDaemon::cancel(const std::string& op) {
    auto view = operations_.cancel(op);
    watch_operations();
    return view;
}

std::size_t HostDaemon::end_all_ceilings() {
    const std::size_t ended = state_.ceilings.size();
    state_.ceilings.clear();
    spdlog::info("release target=all ceilings={}", ended);
    keep();
    decide_soon();
    return ended;
}

void HostDaemon::pause(const std::optional<GuestId>& guest) {
    if (guest)
        state_.paused_guests.insert(*guest);
    else
        state_.paused = true;
    spdlog::info("pause target={}", guest ? name_of(*guest) : "all");
    keep();
    decide_soon();
}

void HostDaemon::resume(const std::optional<GuestId>& guest) {
    if (guest) {
        watch_.take_back(*guest);
        state_.paused_guests.erase(*guest);
        end_ceilings(state_, *guest, "");
    } else {
        state_.paused = false;
        state_.paused_guests.clear();
        state_.ceilings.clear();
    }
    spdlog::info("resume target={}", guest ? name_of(*guest) : "all");
    keep();
    decide_soon();
}

}  // namespace aerostat::host::app
