#include "jvm-agent/act/levers.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

std::vector<std::string> names_of(const std::vector<FlagSetting>& settings) {
    std::vector<std::string> names;
    for (const auto& setting : settings) names.push_back(setting.name);
    return names;
}

}  // namespace

/// Our own earlier settings must not count as the state to plan from.
std::optional<FlagState> Levers::as_before(std::string_view name) const {
    auto state = port_.read(name);
    if (state && taken_over_.contains(std::string(name))) state->by_operator = true;
    const auto was = before_.find(std::string(name));
    if (state && was != before_.end()) state->value = was->second;
    return state;
}

LeverPlan Levers::plan(const LeverSight& seen) const {
    return rule_([this](std::string_view name) { return as_before(name); }, seen);
}

Result<bool> Levers::pull(const LeverSight& seen) {
    const LeverPlan wanted = plan(seen);
    left_alone_ = wanted.left_alone;
    if (wanted.keep.empty() && wanted.cycle.empty()) return false;
    auto done = set_all(wanted.keep);
    if (done) done = set_all(wanted.cycle);
    if (!done) {
        const Error why = done.error();
        if (auto undone = restore(); !undone) return while_doing("undoing after a failure", undone.error());
        return tl::unexpected(why);
    }
    cycle_flags_ = names_of(wanted.cycle);
    driving_ = wanted.drives;
    collects_fully_ = wanted.collects_fully;
    follows_balloon_ = wanted.follows_balloon;
    return true;
}

bool Levers::can_size(const LeverSight& seen) const {
    const LeverPlan planned = plan(seen);
    return planned.sizes_heap && planned.drives;
}

Status Levers::pace_cycles(const LeverSight& seen) {
    if (!driving_) return {};
    return set_all(plan(seen).cycle);
}

Status Levers::stop_cycles(LeverSight seen) {
    if (!driving_) return {};
    driving_ = false;
    auto back = put_back(cycle_flags_);
    cycle_flags_.clear();
    seen.drive = false;
    const auto held = set_all(plan(seen).keep);
    return back ? held : back;
}

Status Levers::follow_hold(const LeverSight& seen) {
    if (seen.holds_busy == is_holding()) return {};
    if (!seen.holds_busy) {
        auto back = put_back(hold_flags_);
        if (back) hold_flags_.clear();
        return back;
    }
    const LeverPlan wanted = plan(seen);
    auto done = set_all(wanted.hold);
    if (done) hold_flags_ = names_of(wanted.hold);
    return done;
}

Status Levers::follow_balloon(LeverSight seen) {
    if (!follows_balloon_ || ours_.empty()) return {};
    seen.drive = driving_;
    return set_all(plan(seen).keep);
}

Status Levers::renew(LeverSight seen) {
    if (!follows_balloon_ || ours_.empty()) return {};
    seen.drive = driving_;
    std::vector<FlagSetting> settings = plan(seen).keep;
    renewed_ = !renewed_;
    const auto step = static_cast<std::int64_t>(seen.heap.region.count());
    for (auto& setting : settings) {
        if (renewed_ && setting.value > step) setting.value -= step;
    }
    return set_all(settings);
}

Status Levers::set_all(const std::vector<FlagSetting>& settings) {
    const auto ordered = in_safe_order(settings, [this](std::string_view name) { return port_.read(name); });
    for (const auto& setting : ordered) {
        if (auto done = set(setting); !done) return done;
    }
    return {};
}

/// Whoever changes a setting of ours while the JVM runs means it: it is theirs from then on.
bool Levers::is_taken_over(const std::string& name) {
    const auto mine = ours_.find(name);
    if (mine == ours_.end()) return taken_over_.contains(name);
    const auto now = port_.read(name);
    if (!now || now->value == mine->second) return false;
    ours_.erase(mine);
    before_.erase(name);
    taken_over_.insert(name);
    return true;
}

Status Levers::set(const FlagSetting& setting) {
    if (is_taken_over(setting.name)) return {};
    const auto mine = ours_.find(setting.name);
    if (mine != ours_.end() && mine->second == setting.value) return {};
    const auto now = port_.read(setting.name);
    if (auto done = port_.set(setting); !done) return done;
    if (now) before_.emplace(setting.name, now->value);  // kept from the first time on
    ours_[setting.name] = setting.value;
    return {};
}

/// One that fails must not keep the others from going back; it stays ours, to be tried again.
Status Levers::put_back(const std::vector<std::string>& names) {
    std::vector<FlagSetting> settings;
    for (const auto& name : names) {
        if (is_taken_over(name)) continue;
        if (const auto was = before_.find(name); was != before_.end()) settings.push_back({name, was->second});
    }
    Status first;
    for (const auto& setting : in_safe_order(settings, [this](std::string_view name) { return port_.read(name); })) {
        auto done = port_.set(setting);
        if (!done && first) first = done;
        if (!done) continue;
        before_.erase(setting.name);
        ours_.erase(setting.name);
    }
    return first;
}

Status Levers::restore() {
    driving_ = follows_balloon_ = false;
    auto first = put_back(cycle_flags_);  // intervals first: nothing must be driven while the rest goes back
    cycle_flags_.clear();
    std::vector<std::string> rest;
    for (const auto& [name, value] : before_) rest.push_back(name);
    auto others = put_back(rest);
    if (others) hold_flags_.clear();
    return first ? others : first;
}

std::vector<std::string> Levers::in_use() const {
    std::vector<std::string> texts;
    for (const auto& [name, value] : ours_) texts.push_back(name + "=" + std::to_string(value));
    return texts;
}

}  // namespace aerostat::agent
