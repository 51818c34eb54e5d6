#include "host-controller/app/history_views.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "contract/names.h"

namespace aerostat::host::app {
namespace {

constexpr double kGiB = 1073741824.0;

std::string price_of(double per_byte) {
    return std::isfinite(per_byte) && per_byte > 0 ? fmt::format("{:.3g} ms/s", per_byte * kGiB * 1000) : "0";
}

std::string layer_name(const LayerPlan& row) { return printable(row.guest_name, 70) + "/" + printable(row.layer, 70); }

std::string order_of(const LayerPlan& row) {
    return fmt::format("{} {} -> {} ({})", layer_name(row), format_bytes(row.now), format_bytes(row.next),
                       printable(row.why, 120));
}

std::string head_of(const DecisionRecord& record) {
    const HostPlan& plan = record.plan;
    return fmt::format("{} {} by {}, price {} a GiB, {} of {} booked", time_of(record), printable(plan.level, 20),
                       record.rules.policy->name(), price_of(plan.price), format_bytes(plan.held),
                       format_bytes(plan.capacity));
}

const ShareLayer* find_layer(const DecisionRecord& record, const LayerPlan& row, ShareLayer& into, double& weight) {
    for (const GuestSeen& guest : record.seen.guests) {
        if (guest.id != row.guest) continue;
        const auto limits = record.rules.limits_for(guest.name);
        weight = limits ? limits->weight : 1;
        for (const LayerSeen& layer : guest.layers) {
            if (layer.name != row.layer) continue;
            into = {layer.curve, layer.footprint};
            return &into;
        }
    }
    return nullptr;
}

bool same_orders(const HostPlan& a, const HostPlan& b) {
    return std::equal(a.layers.begin(), a.layers.end(), b.layers.begin(), b.layers.end(),
                      [](const LayerPlan& x, const LayerPlan& y) {
                          return x.guest == y.guest && x.layer == y.layer && x.ordered == y.ordered && x.next == y.next;
                      });
}

}  // namespace

std::string time_of(const DecisionRecord& record) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(record.wall);
    std::tm local{};
    char text[32] = "";
    if (::localtime_r(&seconds, &local)) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

std::string history_line(const DecisionRecord& record) {
    std::string text = head_of(record);
    bool any = false;
    for (const LayerPlan& row : record.plan.layers) {
        if (!row.ordered) continue;
        text += (any ? "; " : ": ") + order_of(row);
        any = true;
    }
    if (any && !record.acted) text += " [advise: not sent]";
    return text + (any ? "\n" : ": nothing ordered\n");
}

std::string explain_record(const DecisionRecord& record) {
    const HostPlan& plan = record.plan;
    std::string text = head_of(record) + "\n";
    text += fmt::format("{} guests, {} measured, {} free; budget {}, of it {} in reserve\n", record.seen.guests.size(),
                        format_bytes(plan.charged), format_bytes(plan.free), format_bytes(record.rules.memory),
                        format_bytes(record.rules.emergency_reserve));
    if (!plan.short_by.is_zero()) text += "floors and minimums exceed it by " + format_bytes(plan.short_by) + "\n";
    if (!plan.ready.is_zero())
        text += "of it " + format_bytes(plan.ready) + " kept ready for heaps that grow faster than others give\n";
    if (record.before.paused) text += "paused by an operator: nothing was ordered\n";
    if (!record.acted) text += "mode advise: nothing was sent\n";
    text += "\n";
    for (const LayerPlan& row : plan.layers) {
        text += fmt::format("{} {}\n    holds {}, aim {}, ", row.ordered ? "*" : " ", layer_name(row), format_bytes(row.now),
                            format_bytes(row.target));
        text += row.ordered ? fmt::format("ordered to {}", format_bytes(row.next)) : "not ordered about";
        text += fmt::format("; price at the aim {} a GiB\n    why: {}\n", price_of(row.price), printable(row.why, 200));
    }
    return text;
}

void Replay::add(const DecisionRecord& record) {
    HostRules rules = record.rules;
    if (policy_) rules.policy = policy_;
    const HostPlan again = decide(record.seen, record.before, rules, record.now);
    ++decisions_;
    recorded_policy_ = record.rules.policy->name();
    if (same_orders(record.plan, again))
        ++alike_;
    else if (first_difference_.empty())
        first_difference_ = time_of(record);
    count(recorded_, record.plan, record);
    count(replayed_, again, record);
}

void Replay::count(Side& side, const HostPlan& plan, const DecisionRecord& record) {
    for (const LayerPlan& row : plan.layers) {
        ShareLayer layer;
        double weight = 1;
        if (!find_layer(record, row, layer, weight)) continue;
        const double cost = layer.curve.evaluate(std::max(row.target, layer.curve.floor()));
        side.cost += weight * cost;
        if (!row.ordered) continue;
        ++side.orders;
        side.shrunk += saturating_sub(row.now, row.next);
        side.raised += saturating_sub(row.next, row.now);
    }
}

std::string Replay::render() const {
    const auto line = [&](std::string_view name, const Side& side) {
        return fmt::format("{:<26} {:>10} {:>14} {:>14} {:>18.4f}\n", name, side.orders, format_bytes(side.shrunk),
                           format_bytes(side.raised), side.cost / static_cast<double>(std::max<std::size_t>(decisions_, 1)));
    };
    std::string text = fmt::format("{} decisions, {} with the same orders", decisions_, alike_);
    if (!first_difference_.empty()) text += ", the first other one at " + first_difference_;
    text += fmt::format("\n\n{:<26} {:>10} {:>14} {:>14} {:>18}\n", "", "orders", "taken", "given", "cost at the aims");
    text += line(fmt::format("recorded ({})", recorded_policy_), recorded_);
    text += line(fmt::format("replayed ({})", policy_ ? policy_->name() : "the same"), replayed_);
    return text +
           "\ncost at the aims: weighted CPU seconds lost a second, mean. Each decision is replayed from what was seen "
           "then:\n"
           "it does not show what would have come of it (aerostatctl simulate does, for guests like these).\n";
}

std::string Replay::as_json() const {
    const auto side = [&](const Side& one) {
        return nlohmann::ordered_json{{"orders", one.orders},
                                      {"taken_bytes", one.shrunk.count()},
                                      {"given_bytes", one.raised.count()},
                                      {"mean_cost", one.cost / static_cast<double>(std::max<std::size_t>(decisions_, 1))}};
    };
    nlohmann::ordered_json json;
    json["decisions"] = decisions_;
    json["same_orders"] = alike_;
    json["recorded"] = side(recorded_);
    json["replayed"] = side(replayed_);
    return json.dump(2);
}

}  // namespace aerostat::host::app
