#include "host-controller/app/host_daemon.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "daemon/service.h"
#include "host-controller/decide/booking.h"
#include "host-controller/decide/reach.h"
#include "host-controller/decide/tracking.h"
#include "host-controller/local/local_backend.h"
#include "host-controller/virt/virt_backend.h"

namespace aerostat::host::app {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kSoon = std::chrono::milliseconds(20);  // events that come together are decided together
constexpr Duration kLeaseEvery = std::chrono::seconds(10);
constexpr Duration kSettleWithin = std::chrono::seconds(7);  // guests try again after 5 s at the latest, plus jitter
constexpr Duration kGrace = std::chrono::seconds(1);

Result<std::optional<gid_t>> gid_of(const std::optional<std::string>& group) {
    if (!group) return std::optional<gid_t>();
    const auto gid = daemon::group_by_name(*group);
    if (!gid) return tl::unexpected(gid.error());
    return std::optional<gid_t>(*gid);
}

const LayerSeen* layer_of(const HostSnapshot& picture, const LayerKey& key) {
    for (const GuestSeen& guest : picture.guests) {
        if (guest.id != key.first) continue;
        for (const LayerSeen& layer : guest.layers)
            if (layer.name == key.second) return &layer;
    }
    return nullptr;
}

}  // namespace

HostDaemon::HostDaemon(asio::io_context& loop, HostConfig config, const Clock& clock)
    : loop_(loop),
      config_(std::move(config)),
      clock_(clock),
      operations_({.send = [this](const GuestId& guest,
                                  Message message) { return backend_ && backend_->send(guest, std::move(message)); },
                   .measure = [this](const GuestId& guest, auto answer) { measure(guest, std::move(answer)); }},
                  clock),
      kept_(config_.state_file()),
      started_(clock.now()),
      leases_at_(clock.now()),
      tick_timer_(loop),
      soon_timer_(loop),
      operations_timer_(loop),
      metrics_retry_(loop, {std::chrono::seconds(1), std::chrono::seconds(30)}) {}

HostDaemon::~HostDaemon() = default;

Status HostDaemon::open() {
    if (auto ready = daemon::prepare_runtime_directory(config_.runtime_dir); !ready) return ready;
    const auto read_group = gid_of(config_.read_group);
    if (!read_group) return while_doing("read_group", read_group.error());
    const auto operate_group = gid_of(config_.operate_group);
    if (!operate_group) return while_doing("operate_group", operate_group.error());
    const auto guest_group = gid_of(config_.guest_group);
    if (!guest_group) return while_doing("guest_group", guest_group.error());
    if (!config_.history_size.is_zero()) open_history(*read_group, *operate_group);
    backend_ = make_backend(*guest_group);
    if (OsBalloons* balloons = backend_->os_balloons()) open_balloons(*balloons);
    if (auto opened = backend_->open(guest_handlers()); !opened) return opened;
    auto control = daemon::ControlServer::open(
        loop_, config_.runtime_dir + "/control.sock", {*read_group, *operate_group},
        [this](const ControlRequest& request, const daemon::Responder& respond) {
            control::answer(*this, request, respond);
        },
        clock_);
    if (!control) return tl::unexpected(control.error());
    control_ = *std::move(control);
    if (auto recalled = recall(); !recalled) {
        bad_kept_state_ = recalled.error().message;
        spdlog::warn("pauses, ceilings and guests of the run before are lost: {}", recalled.error().message);
    }
    open_metrics();
    tick();
    return {};
}

std::unique_ptr<Backend> HostDaemon::make_backend(std::optional<gid_t> guest_group) {
    if (config_.backend == "libvirt") return std::make_unique<virt::VirtBackend>(loop_, config_.uri, clock_);
    wire::SocketSpec spec;
    spec.path = config_.runtime_dir + "/guest.sock";
    spec.group = guest_group;
    return std::make_unique<local::LocalBackend>(loop_, std::move(spec), clock_);
}

void HostDaemon::stop() {
    tick_timer_.cancel();
    soon_timer_.cancel();
    operations_timer_.cancel();
    metrics_retry_.cancel();
    scrape_door_.reset();
    if (control_) control_->close(kGrace);
    operations_.use_balloons(nullptr);
    mover_.reset();
    punch_.reset();
    backend_.reset();
    balloons_.reset();
    application_balloons_.reset();
}

// Who was here before the restart is charged until it is back or gone; what operators ordered goes on.
Status HostDaemon::recall() {
    auto kept = kept_.load(moment());
    // Where versions before this one kept it.
    if (!kept && kept.error().code == ErrorCode::not_found)
        kept = KeptFile(config_.runtime_dir + "/hostd.state").load(moment());
    if (!kept && kept.error().code == ErrorCode::not_found) return {};
    if (!kept) return tl::unexpected(kept.error());
    forget_before_boot(*kept, boot_);
    state_.paused = kept->paused;
    state_.paused_guests = std::move(kept->paused_guests);
    state_.ceilings = std::move(kept->ceilings);
    for (const KeptGuest& guest : kept->guests) {
        if (!backend_->knows_identity(guest.id)) continue;
        register_.remember(guest.id, guest.name);
        awaited_.insert(guest.id);
    }
    return {};
}

bool HostDaemon::settling(TimePoint now) const { return !awaited_.empty() && now - started_ < kSettleWithin; }

void HostDaemon::tick() {
    if (!backend_) return;  // stopped
    const TimePoint now = clock_.now();
    if (tick_due_) tally_.ticked(now - *tick_due_);
    tick_due_ = now + kTick;
    tick_timer_.expires_after(kTick);
    tick_timer_.async_wait([this](asio::error_code error) {
        if (!error) tick();
    });
    // Guests that report are measured with each report; the silent ones here.
    for (const auto& [id, record] : register_.guests()) {
        look_at_balloon(id);
        if (now - record.measured_at >= kTick && !backend_->is_measuring(id)) glance(id, nullptr);
    }
    if (now - leases_at_ >= kLeaseEvery) renew_leases();
    count_lost_memory();
    decide_now();
}

void HostDaemon::decide_soon() {
    if (std::exchange(soon_, true)) return;
    soon_timer_.expires_after(kSoon);
    soon_timer_.async_wait([this](asio::error_code error) {
        soon_ = false;
        if (!error) decide_now();
    });
}

void HostDaemon::decide_now() {
    const HostSnapshot picture = seen();
    const TimePoint now = clock_.now();
    HostPlan plan = decide(picture, state_, rules_now(), now);
    tally_.decided(clock_.now() - now);
    log_edges(plan);
    plan_ = std::move(plan);
    remember(picture, state_, now);
    state_ = plan_.after;
    if (config_.act) send_orders(plan_);
    review_reservations(picture);
    keep();
}

void HostDaemon::send_orders(const HostPlan& plan) {
    for (const GuestOrder& order : plan.orders) {
        const Duration deadline = config_.rules.pacing.order_deadline;
        act::OperationOrder operation;
        operation.command = "balance";
        operation.guest = order.guest;
        operation.target = name_of(order.guest);
        for (const LayerOrder& layer : order.layers) {
            if (layer.kind == LayerKind::guest_os)
                operation.os = layer;
            else
                operation.layers.push_back(layer);
        }
        operation.asked = order.shrink_by.is_zero() ? order.raise_by : order.shrink_by;
        operation.deadline = to_millis(deadline);
        follow_with_balloon(operation);
        operation.verify = !order.shrink_by.is_zero();  // what is taken counts when it is seen from outside
        for (const LayerOrder& layer : order.layers) {
            note_ordered(state_, {order.guest, layer.layer}, layer.target.footprint, clock_.now() + deadline + kGrace);
            spdlog::info("order guest={} layer={} target_bytes={}", operation.target, layer.layer,
                         layer.target.footprint.count());
        }
        operations_.start(std::move(operation), [this](const act::EndedOperation& ended) {
            tally_.ended(ended.view);
            settle(ended);
            decide_soon();
        });
    }
    watch_operations();
}

// What the order has shown of its layers, held against what is known of them.
void HostDaemon::learn_from(const act::EndedOperation& ended) {
    for (const GuestSeen& guest : seen().guests) {
        if (guest.id != ended.guest) continue;
        for (const LayerSeen& layer : guest.layers) {
            const auto outcome = std::find_if(ended.outcomes.begin(), ended.outcomes.end(),
                                              [&](const JvmOutcome& one) { return one.jvm == layer.name; });
            if (outcome == ended.outcomes.end()) continue;
            note_outcome(state_, {guest.id, layer.name}, layer,
                         {outcome->after, outcome->obtained, outcome->shortfall, outcome->reason}, config_.rules,
                         clock_.now());
        }
    }
}

// The last report still shows the old target, and would have the same order sent again, or a squeeze undone.
void HostDaemon::settle(const act::EndedOperation& ended) {
    constexpr Duration kUntilReported = std::chrono::milliseconds(1500);  // agents and guests report once a second
    learn_from(ended);
    for (const LayerOrder& layer : ended.layers)
        note_settling(state_, {ended.guest, layer.layer}, layer.target.footprint, clock_.now() + kUntilReported);
    if (!ended.os) return;
    const LayerKey os{ended.guest, ended.os->layer};
    const Bytes target = ended.os->target.footprint;
    // A guest OS that could not give has shown where its limit is now: it is not asked again at once.
    const Bytes asked = saturating_sub(ended.os->from, target);
    if (ended.os_missing > config_.rules.dead_band(target) && shows_os_limit(asked, ended.os_missing)) {
        const HostSnapshot picture = seen();
        const LayerSeen* layer = layer_of(picture, os);
        if (layer)
            note_os_short(state_, os, *layer, target + ended.os_missing, clock_.now() + config_.rules.pacing.retry_after);
    } else {
        note_settling(state_, os, target, clock_.now() + kUntilReported);
    }
}

void HostDaemon::watch_operations() {
    const auto due = operations_.next_due();
    if (!due) return;
    operations_timer_.expires_after(std::max(Duration(std::chrono::milliseconds(1)), *due - clock_.now()));
    operations_timer_.async_wait([this](asio::error_code error) {
        if (error) return;
        operations_.tick();
        watch_operations();
    });
}

void HostDaemon::log_edges(const HostPlan& plan) {
    if (plan.level != state_.level)
        spdlog::info("level={} was={} charged_bytes={} free_bytes={}", plan.level, state_.level, plan.charged.count(),
                     plan.free.count());
    if (plan.short_by.is_zero() != plan_.short_by.is_zero())
        spdlog::warn("floors and minimums short_by_bytes={}", plan.short_by.count());
    std::set<std::string> stuck;
    for (const auto& [key, track] : plan.after.tracks) {
        if (track.aside_since) stuck.insert(name_of(key.first) + "/" + key.second);
    }
    for (const std::string& jvm : stuck) {
        if (!stuck_.contains(jvm)) spdlog::warn("stuck jvm={}: set aside and charged for what it holds", jvm);
    }
    stuck_ = std::move(stuck);
}

void HostDaemon::renew_leases() {
    leases_at_ = clock_.now();
    for (const auto& [id, record] : register_.guests()) {
        if (record.connected) backend_->send(id, LeaseRenewal{"", Millis(30'000)});
    }
}

void HostDaemon::keep() {
    KeptState kept;
    for (const auto& [id, record] : register_.guests()) kept.guests.push_back({id, record.name});
    kept.boot = boot_;
    kept.paused = state_.paused;
    kept.paused_guests = state_.paused_guests;
    kept.ceilings = state_.ceilings;
    const bool failed_before = bad_kept_state_.starts_with("writing");
    const auto stored = kept_.store(kept, moment());
    if (!stored && !failed_before) spdlog::warn("the state for a restart cannot be kept: {}", stored.error().message);
    if (!stored)
        bad_kept_state_ = "writing the state: " + stored.error().message;
    else if (failed_before)
        bad_kept_state_.clear();
}

std::string HostDaemon::name_of(const GuestId& guest) const {
    const sense::GuestRecord* record = register_.find(guest);
    return record ? record->name : guest;
}

std::vector<std::string> HostDaemon::reconfigure(HostConfig config) {
    std::vector<std::string> needs_restart;
    const auto keep_old = [&](auto HostConfig::*field, const char* key) {
        if (config_.*field != config.*field) needs_restart.push_back(std::string(key) + " changes only with a restart");
        config.*field = config_.*field;
    };
    keep_old(&HostConfig::backend, "backend");
    keep_old(&HostConfig::uri, "uri");
    keep_old(&HostConfig::runtime_dir, "runtime_dir");
    keep_old(&HostConfig::punch_dir, "punch_dir");
    keep_old(&HostConfig::history_dir, "history_dir");
    keep_old(&HostConfig::history_size, "history_size");
    keep_old(&HostConfig::read_group, "read_group");
    keep_old(&HostConfig::operate_group, "operate_group");
    keep_old(&HostConfig::guest_group, "guest_group");
    const bool metrics_moved = config.metrics_listen != config_.metrics_listen;
    config_ = std::move(config);
    bad_reload_.clear();
    if (metrics_moved) open_metrics();
    open_punch();
    decide_soon();
    return needs_restart;
}

}  // namespace aerostat::host::app
