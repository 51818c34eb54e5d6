#include <algorithm>

#include <spdlog/spdlog.h>

#include "contract/names.h"
#include "host-controller/app/host_daemon.h"
#include "host-controller/decide/tracking.h"

// The guests' side of the daemon: what they say, and what is measured of them.
namespace aerostat::host::app {
namespace {

constexpr Duration kMeasureAtMostEvery = std::chrono::milliseconds(200);
constexpr std::size_t kMostPaused = 1024;  // guests that are not here, kept for when they come again
constexpr Bytes kLeastHelp{64ULL << 20};
constexpr Duration kRescueWithin = std::chrono::seconds(5);

double per_gib(double price) { return control::per_gib(price); }

}  // namespace

Backend::Handlers HostDaemon::guest_handlers() {
    return {
        .on_seen =
            [this](const GuestId& guest, const std::string& name) {
                register_.remember(guest, name);
                glance(guest, [this](std::optional<Bytes>) { decide_soon(); });
            },
        .on_join = [this](const GuestId& guest, const std::string& said_name,
                          std::uint64_t number) { return register_.join(guest, said_name, number, clock_.now()); },
        .on_joined = [this](const GuestId& guest) { joined(guest); },
        .on_message = [this](const GuestId& guest, Message message) { take(guest, std::move(message)); },
        .on_lost = [this](const GuestId& guest, const Error& why) { lost(guest, why); },
        .on_refused = [](const std::string& sentence) { spdlog::warn("a guest was turned away: {}", printable(sentence)); },
        .on_event = [this](const GuestId& guest, const GuestEvent& event) { take_event(guest, event); },
        .needs_no_driver = [this](const std::string& name) { return has_application_balloon(name); },
        .is_stopped_by_us =
            [this](const GuestId& guest) { return application_balloons_ && application_balloons_->is_stopped_by_us(guest); },
    };
}

void HostDaemon::joined(const GuestId& guest) {
    spdlog::info("joined guest={} identity={}", name_of(guest), guest);
    awaited_.erase(guest);
    if (application_balloons_) application_balloons_->link_changed(guest);
    send_condition(guest);
    if (mover_ && config_.act && config_.rules.limits_for(name_of(guest))) mover_->settle(guest);
    operations_.rejoined(guest);
    glance(guest, [this](std::optional<Bytes>) { decide_soon(); });
    watch_operations();
}

void HostDaemon::take(const GuestId& guest, Message message) {
    if (auto* report = std::get_if<GuestReport>(&message)) return take_report(guest, std::move(*report));
    if (const auto* pressure = std::get_if<Pressure>(&message)) return take_pressure(guest, *pressure);
    const auto* words = std::get_if<BalloonWords>(&message);
    if (words && application_balloons_) return application_balloons_->heard(guest, words->line);
    if (const auto* result = std::get_if<OperationResult>(&message)) {
        operations_.take_result(guest, *result);
        watch_operations();
    }
}

void HostDaemon::take_report(const GuestId& guest, GuestReport report) {
    const sense::GuestRecord* known = register_.find(guest);
    if (!known) return;
    const bool first = !known->report || known->report->jvms.size() != report.jvms.size();
    const GuestReport before = known->report.value_or(GuestReport());
    register_.take_report(guest, std::move(report), clock_.now());
    operations_.reported(guest, *known->report);
    watch_operations();
    if (!backend_->is_measuring(guest) && (first || clock_.now() - known->measured_at >= kMeasureAtMostEvery)) {
        glance(guest,
               first ? std::function<void(std::optional<Bytes>)>([this](std::optional<Bytes>) { decide_soon(); }) : nullptr);
    }
    for (const JvmReport& jvm : known->report->jvms) {
        if (!jvm.distress.empty())
            take_pressure(guest, {std::max(kLeastHelp, jvm.footprint.resident / 8), jvm.distress, jvm.name});
    }
    send_condition(guest);
}

// Measured first: what it holds was perhaps seen before it grew, and help counted from there would come too short.
void HostDaemon::take_pressure(const GuestId& guest, const Pressure& pressure) {
    const LayerKey key{guest, pressure.jvm};
    if (state_.urgent.contains(key) || !config_.rules.limits_for(name_of(guest)) || !crying_.insert(key).second) return;
    spdlog::info("pressure guest={} jvm={} wanted_bytes={} cause={}", name_of(guest), pressure.jvm, pressure.wanted.count(),
                 printable(pressure.cause));
    rescue(guest, pressure.jvm, pressure.wanted);
    measure(guest, [this, key, wanted = pressure.wanted](std::optional<Bytes>) {
        crying_.erase(key);
        for (const GuestSeen& one : seen().guests) {
            if (one.id == key.first) note_urgent(state_, one, key.second, wanted, config_.rules, clock_.now());
        }
        decide_now();
    });
}

void HostDaemon::look_at_balloon(const GuestId& guest) {
    OsBalloons* balloons = balloons_.get();
    if (!balloons || !config_.rules.limits_for(name_of(guest)) || !looking_.insert(guest).second) return;
    balloons->look(guest, [this, guest](const Result<OsBalloon>& seen) {
        looking_.erase(guest);
        if (!seen) return;
        register_.take_balloon(guest, *seen);
        if (seen->actual >= seen->maximum && !mover_->is_moving(guest)) operations_.balloon_account().forget(guest);
    });
}

// A heap that grows into pages that the OS balloon holds would kill its guest: these go back before anything is decided.
void HostDaemon::rescue(const GuestId& guest, const std::string& jvm, Bytes wanted) {
    if (!mover_ || !config_.act) return;
    mover_->help(guest, std::min(wanted, config_.rules.emergency_reserve), clock_.now() + kRescueWithin,
                 [this, key = LayerKey{guest, jvm}](const act::BalloonOutcome& outcome) {
                     operations_.balloon_account().helped(key, saturating_sub(outcome.after, outcome.before));
                 });
}

void HostDaemon::lost(const GuestId& guest, const Error& why) {
    spdlog::info("lost guest={} why=\"{}\": charged for what its processes hold", name_of(guest), printable(why.message));
    register_.lose(guest);
    if (application_balloons_) application_balloons_->link_changed(guest);
    glance(guest, [this](std::optional<Bytes>) { decide_soon(); });
}

void HostDaemon::measure(const GuestId& guest, std::function<void(std::optional<Bytes>)> answer, Look look) {
    const sense::GuestRecord* record = register_.find(guest);
    if (!record || !backend_) {
        if (answer) answer(std::nullopt);
        return;
    }
    auto take = [this, guest, answer = std::move(answer)](const Result<GuestResidency>& seen) {
        measured(guest, seen);
        if (!answer) return;
        const sense::GuestRecord* now = seen ? register_.find(guest) : nullptr;
        answer(now ? sense::GuestRegister::charged(*now) : std::nullopt);
    };
    if (look == Look::glance) return backend_->glance(guest, std::move(take));
    backend_->measure(guest, std::move(take));
}

void HostDaemon::measured(const GuestId& guest, const Result<GuestResidency>& seen) {
    if (!seen) return spdlog::warn("measuring guest={} failed: {}", name_of(guest), seen.error().message);
    const std::string name = name_of(guest);
    if (seen->unreadable > 0 && unreadable_.insert(guest).second) {
        spdlog::warn("guest={} has processes that cannot be measured count={}: observed only; run aerostat-hostd as root",
                     name, seen->unreadable);
    }
    if (seen->unreadable == 0) unreadable_.erase(guest);
    if (!register_.take_measurement(guest, *seen, clock_.now())) return;
    spdlog::info("gone guest={} identity={}", name, guest);
    awaited_.erase(guest);
    unreadable_.erase(guest);
    const bool stays_paused =
        state_.paused_guests.contains(guest) && backend_->comes_again(guest) && state_.paused_guests.size() <= kMostPaused;
    forget_guest(state_, guest);
    if (stays_paused) state_.paused_guests.insert(guest);
    watch_.forget(guest);
    if (application_balloons_) application_balloons_->forget(guest);
    memory_failures_.erase(guest);
    last_failure_.erase(guest);
    operations_.gone(guest);
    decide_soon();
}

// A guest's own share is its own business, whatever it may know of the host.
void HostDaemon::tell_its_share(const GuestId& guest, HostCondition& condition) const {
    if (!config_.act || state_.paused) return;
    const auto planned =
        std::find_if(plan_.guests.begin(), plan_.guests.end(), [&](const GuestPlan& one) { return one.guest == guest; });
    if (planned == plan_.guests.end() || (planned->state != "connected" && planned->state != "stuck")) return;
    condition.guest_target = planned->target;
    condition.takes = planned->takes;
}

void HostDaemon::send_condition(const GuestId& guest) {
    if (!backend_) return;
    HostCondition condition;
    if (config_.share_condition != ShareCondition::none) condition.level = plan_.level.empty() ? "ample" : plan_.level;
    if (config_.share_condition == ShareCondition::full) condition.price = per_gib(plan_.price);
    tell_its_share(guest, condition);
    if (condition.level.empty() && !condition.guest_target) return;
    backend_->send(guest, std::move(condition));
}

}  // namespace aerostat::host::app
