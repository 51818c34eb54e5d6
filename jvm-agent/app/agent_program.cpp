#include "jvm-agent/app/agent_loop.h"

// What the program in this JVM sees of its balloon, and its switch.
namespace aerostat::agent {
namespace {

constexpr Duration kPublishEvery = std::chrono::seconds(1);
/// The bean's classes are memory, too: not while an operation runs, nor before its result has been verified from outside.
constexpr Duration kSettled = std::chrono::seconds(2);
constexpr const char* kSwitchedOff = "switched off by the program (org.aerostat:type=HeapBalloon)";

bool is_news(const std::optional<ConditionState>& before, const std::optional<ConditionState>& now) {
    if (!before || !now) return before.has_value() != now.has_value();
    return before->level != now->level || before->validity != now->validity || before->session != now->session;
}

}  // namespace

BalloonView AgentLoop::view() const {
    const Regulator& r = *regulator_;
    const Balloon& balloon = r.balloon();
    return {balloon.size(), balloon.verified(), balloon.refills(), balloon.cleared(), r.floor(),
            r.footprint(),  r.target(),         facts_.collector,  r.distress(),      last_result_};
}

JvmFacts AgentLoop::facts_now() const {
    JvmFacts facts = facts_;
    if (!switched_off_) return facts;
    facts.can_balloon = false;
    facts.why_not = kSwitchedOff;
    return facts;
}

void AgentLoop::offer_to_program() {
    if (auto offered = program_->offer(view()); !offered) note("no MXBean: " + offered.error().message);
}

void AgentLoop::serve_program() {
    const TimePoint now = clock_.now();
    const bool settled = regulator_->running_op().empty() && now - ended_at_ >= kSettled;
    if (was_targeted_ && settled && options_.mxbean == MxBean::automatic) {
        was_targeted_ = false;
        offer_to_program();
    }
    follow_switch();
    if (now - condition_looked_at_ >= kPublishEvery) follow_condition();
    if (now - published_at_ >= kPublishEvery) publish();
}

void AgentLoop::publish() {
    if (!program_->is_offered()) return;
    published_at_ = clock_.now();
    if (auto published = program_->publish(view()); !published) note("no MXBean: " + published.error().message);
}

/// Looking costs one read of 4 KiB; recordings are told what has changed.
void AgentLoop::follow_condition() {
    condition_looked_at_ = clock_.now();
    const auto seen = condition_.look(condition_looked_at_);
    program_->publish_condition(seen);
    if (!options_.flight_events || !is_news(condition_told_, seen)) return;
    condition_told_ = seen;
    if (auto recorded = program_->record_condition(seen); !recorded) note("no flight events: " + recorded.error().message);
}

void AgentLoop::follow_switch() {
    if (program_->is_switched_off() == switched_off_) return;
    switched_off_ = !switched_off_;
    note(switched_off_ ? kSwitchedOff : "switched on again by the program");
    if (switched_off_) {
        regulator_->switch_off(kSwitchedOff);
        record_changes("switched-off");
    } else {
        regulator_->switch_on();
    }
    link_->set_facts(facts_now());
    if (link_->is_up()) report();
}

void AgentLoop::record(const BalloonEvent& event) {
    if (!options_.flight_events) return;
    if (auto recorded = program_->record(event); !recorded) note("no flight events: " + recorded.error().message);
}

/// After each step, so that what it did goes under its cause.
void AgentLoop::record_changes(const std::string& cause) {
    const Balloon& balloon = regulator_->balloon();
    const BalloonTotals now{balloon.size(), balloon.inflated(), regulator_->refilled(), balloon.cleared()};
    for (const BalloonEvent& event : balloon_events(recorded_, now, cause)) record(event);
    recorded_ = now;
}

}  // namespace aerostat::agent
