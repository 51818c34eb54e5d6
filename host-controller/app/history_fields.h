#pragma once

#include "host-controller/app/history_record.h"

// Each struct's fields, once, for writing and reading (history_record.cpp has the two visitors).
namespace aerostat::host::app::history_fields {

template <class V>
void describe(V& v, LayerSeen& m) {
    v.field("name", m.name);
    v.field("kind", m.kind);
    v.field("footprint_bytes", m.footprint);
    v.field("floor_bytes", m.floor);
    v.field("floor_is_assumed", m.floor_is_assumed);
    v.field("ceiling_bytes", m.ceiling);
    v.field("curve", m.curve);
    v.field("can_move", m.can_move);
    v.field("can_hold", m.can_hold);
    v.field("target_bytes", m.target);
    v.field("distress", m.distress);
    v.field("curve_seen_ns", m.curve_seen);
    v.field("known_for_ns", m.known_for);
    std::optional<bool> from_inside;  // absent in earlier records
    if (m.from_inside) from_inside = true;
    v.field("from_inside", from_inside);
    m.from_inside = from_inside.value_or(false);
    std::optional<bool> held_at_once;
    if (!m.held_at_once) held_at_once = false;
    v.field("held_at_once", held_at_once);
    m.held_at_once = held_at_once.value_or(true);
}

template <class V>
void describe(V& v, GuestSeen& m) {
    v.field("id", m.id);
    v.field("name", m.name);
    v.field("connected", m.connected);
    v.field("hands_off", m.hands_off);
    std::optional<std::string> left_alone;  // absent in earlier records
    if (!m.left_alone.empty()) left_alone = m.left_alone;
    v.field("left_alone", left_alone);
    m.left_alone = left_alone.value_or(std::string());
    v.field("charged_bytes", m.charged);
    v.field("fixed_bytes", m.fixed);
    v.field("layers", m.layers);
}

template <class V>
void describe(V& v, HostSnapshot& m) {
    v.field("guests", m.guests);
    v.field("settling", m.settling);
}

template <class V>
void describe(V& v, Ceiling& m) {
    v.field("footprint_bytes", m.footprint);
    v.field("until_ns", m.until);
}

template <class V>
void describe(V& v, Reach& m) {
    v.field("footprint_bytes", m.footprint);
    v.field("reported_floor_bytes", m.reported_floor);
    v.field("until_ns", m.until);
    v.field("wait_ns", m.wait);
}

template <class V>
void describe(V& v, Growth& m) {
    v.field("seen_bytes", m.seen);
    v.field("at_ns", m.at);
    v.field("pace_bytes", m.pace);
    v.field("goes_on_bytes", m.goes_on);
    v.field("lately_bytes", m.lately);
    v.field("most_bytes", m.most);
    v.field("to_bytes", m.to);
    v.field("most_at_ns", m.most_at);
}

template <class V>
void describe(V& v, LayerTrack& m) {
    v.field("ordered_bytes", m.ordered);
    v.field("busy_until_ns", m.busy_until);
    v.field("best_footprint_bytes", m.best_footprint);
    v.field("behind_since_ns", m.behind_since);
    v.field("aside_since_ns", m.aside_since);
    v.field("flagged", m.flagged);
    v.field("reach", m.reach);
    v.field("unused_since_ns", m.unused_since);
    v.field("growth", m.growth);
}

template <class V>
void describe(V& v, Urgency& m) {
    v.field("floor_bytes", m.floor);
    v.field("until_ns", m.until);
    v.field("again_at_ns", m.again_at);
}

template <class V>
void describe(V& v, HostState& m) {
    v.field("paused", m.paused);
    v.field("paused_guests", m.paused_guests);
    v.field("ceilings", m.ceilings);
    v.field("tracks", m.tracks);
    v.field("urgent", m.urgent);
    v.field("level", m.level);
}

template <class V>
void describe(V& v, GuestRule& m) {
    v.field("pattern", m.pattern);
    v.field("min_bytes", m.limits.min);
    v.field("max_bytes", m.limits.max);
    v.field("weight", m.limits.weight);
}

template <class V>
void describe(V& v, Pacing& m) {
    v.field("smallest_move_bytes", m.smallest_move);
    v.field("smallest_share", m.smallest_share);
    v.field("largest_step_bytes", m.largest_step);
    v.field("cost_of_moving", m.cost_of_moving);
    v.field("payback_ns", m.payback);
    v.field("least_advantage", m.least_advantage);
    v.field("order_deadline_ns", m.order_deadline);
    v.field("set_aside_after_ns", m.set_aside_after);
    v.field("flag_after_ns", m.flag_after);
    v.field("retry_after_ns", m.retry_after);
    v.field("urgency_lasts_ns", m.urgency_lasts);
}

template <class V>
void describe(V& v, HostRules& m) {
    v.field("memory_bytes", m.memory);
    v.field("emergency_reserve_bytes", m.emergency_reserve);
    v.field("policy", m.policy);
    v.field("guests", m.guests);
    v.field("pacing", m.pacing);
}

template <class V>
void describe(V& v, LayerPlan& m) {
    v.field("guest", m.guest);
    v.field("guest_name", m.guest_name);
    v.field("layer", m.layer);
    v.field("now_bytes", m.now);
    v.field("target_bytes", m.target);
    v.field("next_bytes", m.next);
    v.field("ordered", m.ordered);
    v.field("price", m.price);
    v.field("why", m.why);
}

template <class V>
void describe(V& v, HostPlan& m) {
    v.field("capacity_bytes", m.capacity);
    v.field("price", m.price);
    v.field("short_by_bytes", m.short_by);
    v.field("charged_bytes", m.charged);
    v.field("held_bytes", m.held);
    v.field("free_bytes", m.free);
    std::optional<Bytes> ready;  // absent in earlier records
    if (!m.ready.is_zero()) ready = m.ready;
    v.field("ready_bytes", ready);
    m.ready = ready.value_or(Bytes());
    v.field("level", m.level);
    v.field("layers", m.layers);
}

template <class V>
void describe(V& v, DecisionRecord& m) {
    v.field("wall_ns", m.wall);
    v.field("now_ns", m.now);
    v.field("acted", m.acted);
    v.field("seen", m.seen);
    v.field("before", m.before);
    v.field("rules", m.rules);
    v.field("plan", m.plan);
}

}  // namespace aerostat::host::app::history_fields
