#include "jvm-agent/act/levers.h"

namespace aerostat::agent {
namespace {

/// Lowering, the minimum goes first; raising, the maximum: the JVM refuses Min > Max at any moment.
std::vector<FlagSetting> in_safe_order(std::vector<FlagSetting> settings, const G1Flags& now) {
    if (settings.size() == 2 && now.max_free_ratio && settings[0].value > now.max_free_ratio->value)
        std::swap(settings[0], settings[1]);
    return settings;
}

/// Our own earlier settings must not count as the state to plan from.
G1Flags as_before(G1Flags now, const G1Flags& before) {
    now.min_free_ratio = before.min_free_ratio;
    now.max_free_ratio = before.max_free_ratio;
    now.periodic_interval = before.periodic_interval;
    return now;
}

}  // namespace

Result<bool> Levers::pull(const HeapFacts& heap, HeapTarget target, std::optional<Bytes> live) {
    const G1Flags now = port_.read_g1();
    if (!ours_) before_ = now;
    const LeverPlan plan = plan_levers(as_before(now, before_), heap, target, live);
    left_alone_ = plan.left_alone;
    if (plan.keep.empty() && plan.cycle.empty()) return false;
    if (!ours_) plan_ = LeverPlan{};
    ours_ = true;
    if (!plan.keep.empty()) plan_.keep = plan.keep;
    if (!plan.cycle.empty()) plan_.cycle = plan.cycle;
    auto set = set_all(in_safe_order(plan.keep, now));
    if (set) set = set_all(plan.cycle);
    if (!set) {
        const Error why = set.error();
        if (auto undone = restore(); !undone) return while_doing("undoing after a failure", undone.error());
        return tl::unexpected(why);
    }
    cycling_ = !plan.cycle.empty();
    return true;
}

Status Levers::set_all(const std::vector<FlagSetting>& settings) {
    for (const auto& setting : settings) {
        if (auto set = port_.set(setting); !set) return set;
    }
    return {};
}

Status Levers::stop_cycles() {
    if (!cycling_) return {};
    cycling_ = false;
    const FlagSetting back{plan_.cycle.front().name, before_.periodic_interval->value};
    plan_.cycle.clear();
    return port_.set(back);
}

Status Levers::restore() {
    if (!ours_) return {};
    ours_ = false;
    cycling_ = false;
    Status first;
    for (const auto& setting : undo_levers(plan_, before_)) {  // one that fails must not keep the others from going back
        if (auto set = port_.set(setting); !set && first) first = set;
    }
    plan_ = LeverPlan{};
    return first;
}

std::vector<std::string> Levers::in_use() const {
    std::vector<std::string> texts;
    if (!ours_) return texts;
    for (const auto& setting : plan_.keep) texts.push_back(setting.name + "=" + std::to_string(setting.value));
    for (const auto& setting : plan_.cycle) texts.push_back(setting.name + "=" + std::to_string(setting.value));
    return texts;
}

}  // namespace aerostat::agent
