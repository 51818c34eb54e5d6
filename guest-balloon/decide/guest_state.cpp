#include "guest-balloon/decide/guest_state.h"

#include <algorithm>

#include "contract/names.h"
#include "guest-balloon/decide/os_sight.h"
#include "guest-balloon/decide/sane_report.h"
#include "guest-balloon/decide/silence_release.h"

namespace aerostat::guest {
namespace {

constexpr Duration kSilentStep = std::chrono::seconds(10);
constexpr Duration kPressurePause = std::chrono::milliseconds(200);  // between two of one JVM; hostd reacts within it

}  // namespace

GuestState::GuestState(std::string name, GuestRules rules, bool has_host, TimePoint now)
    : name_(std::move(name)),
      rules_(rules),
      orders_(jvms_, rules.agent_lease),
      host_(has_host, now),
      last_silent_step_(now) {}

Result<Welcome> GuestState::agent_hello(ConnectionId from, const ProcessIdentity& process, const Hello& hello,
                                        const IsAlive& is_alive, TimePoint now, Effects& effects) {
    if (hello.role != Role::agent) return fail(ErrorCode::refused, "this door is for agents of JVMs");
    if (!hello.jvm) return fail(ErrorCode::bad_value, "an agent's hello must say what its JVM is (jvm)");
    auto admission = jvms_.admit(from, process, hello, rules_.limits, is_alive, now);
    if (!admission) return tl::unexpected(admission.error());
    for (const Jvm& dead : admission->dead) {
        orders_.process_ended(dead.name, now, effects);
        if (dead.connection) effects.push_back(DropConnection{*dead.connection, "its process has ended"});
    }
    if (admission->replaced) effects.push_back(DropConnection{*admission->replaced, "the same process has connected again"});
    if (Jvm* jvm = jvms_.find(admission->name); jvm && admission->returned) orders_.agent_back(*jvm, now, effects);
    return Welcome{hello.session, admission->name, rules_.agent_lease};
}

void GuestState::agent_report(ConnectionId from, const JvmReport& report, TimePoint now, Effects&) {
    Jvm* jvm = jvms_.find(from);
    if (!jvm) return;
    const bool is_first = !jvm->report;
    jvm->report = sane_report(report, OutsideView{jvm->pss, now - jvm->pss_at});
    jvm->report->name = jvm->name;
    jvm->facts = jvm->report->facts;
    jvm->heard_at = jvm->reported_at = now;
    if (is_first)
        restore_restraint(*jvm);
    else
        follow_reported_target(*jvm);
}

// After a restart of ours the agents still hold what was ordered: their word is all there is.
void GuestState::restore_restraint(Jvm& jvm) {
    const auto& target = jvm.report->target;
    if (!target || target->footprint >= jvm.heap_ceiling() || orders_.is_running_for(jvm.name)) return;
    jvm.restraint = Restraint{target, target->footprint, true, std::nullopt};
    if (jvm.report->target_left) jvm.restraint.until = jvm.reported_at + *jvm.report->target_left;
}

// Between operations the agent's report says what really holds: a hold may have ended, its guard may have let go.
void GuestState::follow_reported_target(Jvm& jvm) {
    if (orders_.is_running_for(jvm.name)) return;
    const auto& target = jvm.report->target;
    if (!target || target->footprint >= jvm.heap_ceiling()) {
        jvm.restraint = Restraint{};
        return;
    }
    jvm.restraint.target = target;
    // An agent that fell short holds what it reached: that is the ceiling then.
    if (jvm.restraint.ceiling) jvm.restraint.ceiling = std::max(*jvm.restraint.ceiling, target->footprint);
}

void GuestState::agent_result(ConnectionId from, const OperationResult& result, TimePoint now, Effects& effects) {
    Jvm* jvm = jvms_.find(from);
    if (!jvm) return;
    jvm->heard_at = now;
    orders_.answered(*jvm, result, now, effects);
}

void GuestState::agent_pressure(ConnectionId from, Pressure pressure, TimePoint now, Effects& effects) {
    Jvm* jvm = jvms_.find(from);
    if (!jvm) return;
    jvm->heard_at = now;
    pressure.jvm = jvm->name;
    pressure.cause = printable(pressure.cause, 40);
    pressure.wanted = std::min(pressure.wanted, jvm->facts.max_heap);
    const bool soon_after = jvm->last_pressure && now - jvm->pressure_at < kPressurePause;
    jvm->last_pressure = pressure;
    if (soon_after) return;
    jvm->pressure_at = now;
    // How far it will grow nobody knows yet: the host is asked for all that its balloon holds, as when the guest stalls.
    if (os_ && is_moved_by_host(*os_))
        pressure.wanted = std::min(std::max(pressure.wanted, os_->taken), jvm->facts.max_heap);
    effects.push_back(ForwardPressure{std::move(pressure)});
}

void GuestState::agent_gone(ConnectionId from, TimePoint now, Effects& effects) {
    if (const Jvm* jvm = jvms_.lost(from)) orders_.agent_away(jvm->name, now, effects);
}

void GuestState::forget_dead(const IsAlive& is_alive, TimePoint now, Effects& effects) {
    for (const std::string& name : jvms_.forget_dead(is_alive)) orders_.process_ended(name, now, effects);
}

void GuestState::measured(const std::string& op, const std::string& jvm, Moment moment, std::optional<Bytes> pss,
                          TimePoint now, Effects& effects) {
    if (Jvm* known = jvms_.find(jvm); known && pss) {
        known->pss = pss;
        known->pss_at = now;
    }
    orders_.measured(op, jvm, moment, pss, now, effects);
}

void GuestState::pss_seen(const std::string& name, const ProcessIdentity& process, const Result<Bytes>& pss, TimePoint now) {
    Jvm* jvm = jvms_.find(name);
    if (!jvm || !(jvm->process == process)) return;
    jvm->blind = pss ? std::string() : pss.error().message;
    jvm->pss = pss ? std::optional(*pss) : std::nullopt;
    jvm->pss_at = now;
}

void GuestState::tick(const std::string& op, TimePoint now, Effects& effects) {
    orders_.tick(now, effects);
    expire_holds(now);
    release_in_silence(op, now, effects);
}

// The agent lets go by itself if the operator's order is still the one in force there. A host's order may have replaced it
// meanwhile: then all that ends is the bound on what the host may order next.
void GuestState::expire_holds(TimePoint now) {
    jvms_.for_each([now](Jvm& jvm) {
        if (!jvm.restraint.until || now < *jvm.restraint.until) return;
        jvm.restraint.until.reset();
        jvm.restraint.ceiling.reset();
        jvm.restraint.rebuilt = false;
    });
}

void GuestState::release_in_silence(const std::string& op, TimePoint now, Effects& effects) {
    const auto silent = host_.silent_for(now);
    if (!rules_.silence_release_after || !silent || *silent < *rules_.silence_release_after) return;
    if (now - last_silent_step_ < kSilentStep) return;
    last_silent_step_ = now;
    Order order;
    order.op = op;
    order.origin = Origin::silence;
    order.command = "release";
    order.detail = "the host is silent";
    order.tasks = raise_one_step(jvms_, memory_.available, reserve());
    std::erase_if(order.tasks,
                  [&](const JvmTask& task) { return orders_.is_running_for(task.jvm) || paused_.covers(task.jvm); });
    if (!order.tasks.empty()) orders_.begin(std::move(order), now, effects);
}

Bytes GuestState::reserve() const { return reserve_of(memory_.total, rules_.reserve); }

Bytes GuestState::heaps() const {
    Bytes sum;
    for (const Jvm* jvm : jvms_.connected()) {
        if (jvm->report) sum += jvm->report->footprint.resident;
    }
    return sum;
}

void GuestState::set_rules(const GuestRules& rules) {
    rules_ = rules;
    orders_.set_agent_lease(rules.agent_lease);
}

GuestReport GuestState::report() const {
    GuestReport report;
    for (const Jvm* jvm : jvms_.connected()) {
        if (jvm->report && report.jvms.size() < WireLimits::kJvms) report.jvms.push_back(*jvm->report);
    }
    report.memory_total = memory_.total;
    report.memory_available = memory_.available;
    report.psi_some_avg10 = memory_.psi_some_avg10;
    report.psi_full_avg10 = memory_.psi_full_avg10;
    report.paused = paused_.everything;
    report.os = os_;
    return report;
}

}  // namespace aerostat::guest
