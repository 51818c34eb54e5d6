#pragma once

#include "contract/control.h"
#include "contract/messages.h"

// Each message's fields, once, for both directions: the encoder and the decoder are visitors over these lists, so they
// cannot disagree. `field` is required; `maybe` keeps the member's default when absent (std::optional members: absent).
namespace aerostat::wire_fields {

template <class V>
void describe(V& v, JvmFacts& m) {
    v.text("java_version", m.java_version);
    v.text("collector", m.collector);
    v.field("max_heap_bytes", m.max_heap);
    v.field("initial_heap_bytes", m.initial_heap);
    v.field("can_balloon", m.can_balloon);
    v.text("why_not", m.why_not);
    v.maybe("can_hold", m.can_hold);
}

template <class V>
void describe(V& v, Hello& m) {
    v.field("role", m.role);
    v.name("name", m.name);
    v.id("session", m.session);
    v.text("software", m.software);
    v.maybe("jvm", m.jvm);
}

template <class V>
void describe(V& v, Welcome& m) {
    v.id("session", m.session);
    v.name("name", m.name);
    v.field("lease_ms", m.lease);
}

template <class V>
void describe(V& v, JvmReport& m) {
    v.name_or_empty("name", m.name);
    v.field("facts", m.facts);
    v.field("footprint_bytes", m.footprint.resident);
    v.field("committed_bytes", m.committed);
    v.field("used_bytes", m.used);
    v.maybe("live_bytes", m.live);
    v.field("floor_bytes", m.floor);
    v.field("ceiling_bytes", m.ceiling);
    v.field("non_heap_bytes", m.non_heap);
    v.field("balloon_bytes", m.balloon.granted);
    v.field("balloon_verified_bytes", m.balloon_verified);
    v.field("releasable_bytes", m.releasable);
    v.maybe("target_bytes", m.target);
    v.maybe("target_left_ms", m.target_left);
    v.maybe("alloc_bytes_per_s", m.alloc_bytes_per_s);
    v.maybe("gc_cpu", m.gc_cpu);
    v.maybe("agent_cpu", m.agent_cpu);
    v.maybe("pause_p99_ms", m.pause_p99);
    v.maybe("gc_count", m.gc_count);
    v.maybe("full_gcs", m.full_gcs);
    v.maybe("refills", m.refills);
    v.maybe("refill_bytes_per_s", m.refill_bytes_per_s);
    v.maybe("cleared_chunks", m.cleared_chunks);
    v.maybe("guard_releases", m.guard_releases);
    v.text("distress", m.distress);
    v.texts("levers", m.levers, WireLimits::kLevers);
    v.text("held", m.held);
    v.id_or_empty("running_op", m.running_op);
    v.field("curve", m.curve);
    v.maybe("curve_seen_ms", m.curve_seen);
}

template <class V>
void describe(V& v, OsReport& m) {
    v.field("size_bytes", m.size);
    v.field("floor_bytes", m.floor);
    v.maybe("offered_bytes", m.offered);
    v.field("spare_bytes", m.spare);
    v.field("taken_bytes", m.taken);
    v.text("driver", m.driver);
    v.field("can_move", m.can_move);
    v.field("holds_bytes", m.holds);
    v.field("limit_bytes", m.limit);
    v.maybe("target_bytes", m.target);
    v.field("learned", m.learned);
    v.field("curve", m.curve);
}

template <class V>
void describe(V& v, GuestReport& m) {
    v.list("jvms", m.jvms, WireLimits::kJvms);
    v.maybe("os", m.os);
    v.field("memory_total_bytes", m.memory_total);
    v.field("memory_available_bytes", m.memory_available);
    v.maybe("psi_some_avg10", m.psi_some_avg10);
    v.maybe("psi_full_avg10", m.psi_full_avg10);
    v.maybe("paused", m.paused);
}

template <class V>
void describe(V& v, JvmOrder& m) {
    v.name("jvm", m.jvm);
    v.field("target_bytes", m.target.footprint);
    v.maybe("shrink_by_bytes", m.shrink_by);
}

template <class V>
void describe(V& v, Apply& m) {
    v.id("session", m.session);
    v.id("op", m.op);
    v.list("jvms", m.jvms, WireLimits::kJvms);
    v.maybe("os_target_bytes", m.os_target);
    v.field("deadline_ms", m.deadline);
    v.maybe("lease_ms", m.lease);
    v.maybe("on_shortfall", m.on_shortfall);
    v.maybe("cap", m.cap);
    v.maybe("hold_ms", m.hold);
}

template <class V>
void describe(V& v, SetHeapTarget& m) {
    v.id("session", m.session);
    v.id("op", m.op);
    v.field("target_bytes", m.target.footprint);
    v.field("deadline_ms", m.deadline);
    v.maybe("lease_ms", m.lease);
    v.maybe("on_shortfall", m.on_shortfall);
    v.maybe("cap", m.cap);
    v.maybe("hold_ms", m.hold);
}

template <class V>
void describe(V& v, JvmOutcome& m) {
    v.name("jvm", m.jvm);
    v.field("before_bytes", m.before);
    v.field("after_bytes", m.after);
    v.field("asked_bytes", m.asked);
    v.field("obtained_bytes", m.obtained);
    v.maybe("verified_bytes", m.verified);
    v.field("shortfall_bytes", m.shortfall);
    v.field("reason", m.reason);
    v.text("detail", m.detail);
}

template <class V>
void describe(V& v, OsOutcome& m) {
    v.field("before_bytes", m.before);
    v.field("after_bytes", m.after);
    v.field("asked_bytes", m.asked);
    v.field("obtained_bytes", m.obtained);
    v.field("shortfall_bytes", m.shortfall);
    v.field("reason", m.reason);
    v.text("detail", m.detail);
}

template <class V>
void describe(V& v, OperationResult& m) {
    v.id("session", m.session);
    v.id("op", m.op);
    v.field("asked_bytes", m.asked);
    v.field("obtained_bytes", m.obtained);
    v.maybe("verified_bytes", m.verified);
    v.field("shortfall_bytes", m.shortfall);
    v.field("reason", m.reason);
    v.maybe("rest", m.rest);
    v.field("elapsed_ms", m.elapsed);
    v.text("detail", m.detail);
    v.list("jvms", m.jvms, WireLimits::kJvms);
    v.maybe("os", m.os);
}

template <class V>
void describe(V& v, Pressure& m) {
    v.field("wanted_bytes", m.wanted);
    v.text("cause", m.cause);
    v.name_or_empty("jvm", m.jvm);
}

template <class V>
void describe(V& v, HostCondition& m) {
    v.text("level", m.level);
    v.maybe("price", m.price);
    v.maybe("guest_target_bytes", m.guest_target);
    v.maybe("takes_bytes", m.takes);
}

template <class V>
void describe(V& v, LeaseRenewal& m) {
    v.id("session", m.session);
    v.field("lease_ms", m.lease);
}

template <class V>
void describe(V& v, Cancel& m) {
    v.id("session", m.session);
    v.id("op", m.op);
    v.maybe("on_shortfall", m.rest);
}

template <class V>
void describe(V& v, ErrorNotice& m) {
    v.text("code", m.code);
    v.text("message", m.message);
}

template <class V>
void describe(V& v, Watch& m) {
    v.maybe("changes", m.changes);
}

template <class V>
void describe(V& v, MemoryNews& m) {
    v.field("level", m.level);
    v.field("trend", m.trend);
    v.field("validity", m.validity);
    v.field("session", m.session);
    v.maybe("available_bytes", m.available);
    v.maybe("suggested_release_bytes", m.suggested_release);
    v.maybe("deadline_ms", m.deadline);
}

template <class V>
void describe(V& v, ReclaimerFigures& m) {
    v.name("reclaimer", m.reclaimer);
    v.field("releasable_bytes", m.releasable);
    v.maybe("price", m.price);
}

template <class V>
void describe(V& v, ForgetReclaimer& m) {
    v.name("reclaimer", m.reclaimer);
}

template <class V>
void describe(V& v, Reclaim& m) {
    v.name("reclaimer", m.reclaimer);
    v.field("wanted_bytes", m.wanted);
    v.field("deadline_ms", m.deadline);
}

template <class V>
void describe(V& v, Reclaimed& m) {
    v.name("reclaimer", m.reclaimer);
    v.field("released_bytes", m.released);
}

template <class V>
void describe(V& v, BalloonWords& m) {
    v.id("session", m.session);
    v.words("line", m.line);
}

template <class V>
void describe(V& v, ControlRequest& m) {
    v.field("command", m.command);
    v.text("target", m.target);
    v.maybe("bytes", m.bytes);
    v.maybe("deadline_ms", m.deadline);
    v.maybe("hold_ms", m.hold);
    v.maybe("on_shortfall", m.on_shortfall);
    v.id_or_empty("op", m.op);
    v.maybe("local", m.local);
    v.maybe("wait", m.wait);
    v.text("guest", m.guest);
    v.maybe("hook", m.hook);
}

template <class V>
void describe(V& v, OperationView& m) {
    v.id_or_empty("op", m.op);
    v.text("command", m.command);
    v.text("target", m.target);
    v.field("running", m.running);
    v.field("asked", m.asked);
    v.field("obtained", m.obtained);
    v.maybe("verified", m.verified);
    v.field("shortfall", m.shortfall);
    v.field("reason", m.reason);
    v.maybe("rest", m.rest);
    v.maybe("os_moved", m.os_moved);
    v.field("deadline_ms", m.deadline);
    v.field("elapsed_ms", m.elapsed);
    v.maybe("started_ago_ms", m.started_ago);
    v.text("detail", m.detail);
}

template <class V>
void describe(V& v, JvmView& m) {
    v.field("report", m.report);
    v.field("report_age_ms", m.report_age);
    v.maybe("target_bytes", m.target);
    v.maybe("ceiling_bytes", m.ceiling);
    v.maybe("price", m.price);
    v.maybe("pss_bytes", m.pss);
}

template <class V>
void describe(V& v, OsView& m) {
    v.field("footprint_bytes", m.footprint);
    v.field("floor_bytes", m.floor);
    v.maybe("target_bytes", m.target);
    v.maybe("planned_bytes", m.planned);
    v.maybe("price", m.price);
}

template <class V>
void describe(V& v, GuestView& m) {
    v.name("name", m.name);
    v.text("identity", m.identity);
    v.text("state", m.state);
    v.maybe("weight", m.weight);
    v.maybe("min_bytes", m.min);
    v.maybe("max_bytes", m.max);
    v.field("charged_bytes", m.charged);
    v.field("fixed_bytes", m.fixed);
    v.maybe("target_bytes", m.target);
    v.field("memory_available_bytes", m.memory_available);
    v.maybe("ram_bytes", m.ram);
    v.maybe("os_balloon_bytes", m.os_balloon);
    v.maybe("os", m.os);
    v.maybe("os_layer", m.os_layer);
    v.texts("notes", m.notes, WireLimits::kNotes);
    v.list("jvms", m.jvms, WireLimits::kJvms);
}

template <class V>
void describe(V& v, StatusView& m) {
    v.text("daemon", m.daemon);
    v.text("name", m.name);
    v.text("software", m.software);
    v.text("mode", m.mode);
    v.text("policy", m.policy);
    v.text("superior", m.superior);
    v.field("paused", m.paused);
    v.maybe("memory_bytes", m.memory);
    v.maybe("emergency_reserve_bytes", m.emergency_reserve);
    v.maybe("reserved_bytes", m.reserved);
    v.maybe("lost_bytes", m.lost);
    v.maybe("charged_bytes", m.charged);
    v.maybe("price", m.price);
    v.maybe("short_by_bytes", m.short_by);
    v.maybe("malformed_lines", m.malformed_lines);
    v.maybe("peers_cut_off", m.peers_cut_off);
    v.texts("warnings", m.warnings, WireLimits::kWarnings);
    v.list("guests", m.guests, WireLimits::kListPart);
}

template <class V>
void describe(V& v, PlanRow& m) {
    v.name("guest", m.guest);
    v.text("layer", m.layer);
    v.field("now_bytes", m.now);
    v.field("target_bytes", m.target);
    v.maybe("price", m.price);
    v.text("why", m.why);
}

template <class V>
void describe(V& v, PlanView& m) {
    v.field("capacity_bytes", m.capacity);
    v.text("policy", m.policy);
    v.maybe("price", m.price);
    v.maybe("short_by_bytes", m.short_by);
    v.maybe("ready_bytes", m.ready);
    v.list("rows", m.rows, WireLimits::kListPart);
}

template <class V>
void describe(V& v, Finding& m) {
    v.text("check", m.check);
    v.text("subject", m.subject);
    v.text("level", m.level);
    v.text("says", m.says);
    v.text("remedy", m.remedy);
}

template <class V>
void describe(V& v, DoctorView& m) {
    v.list("findings", m.findings, WireLimits::kListPart);
}

template <class V>
void describe(V& v, OperationsView& m) {
    v.list("operations", m.operations, WireLimits::kListPart);
}

}  // namespace aerostat::wire_fields
