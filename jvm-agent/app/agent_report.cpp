#include <algorithm>

#include "jvm-agent/app/agent_loop.h"
#include "jvm-agent/decide/sizing.h"

// What the agent tells of its JVM.
namespace aerostat::agent {
namespace {

std::uint64_t ticks(Duration time) { return static_cast<std::uint64_t>(std::max(time, Duration::zero()).count()); }

/// What the collector's work is divided by. G1 marks beside the program; all else it does comes with young collections.
CostSight cost_sight(const Regulator& r, const GcCpuPort::Used& cpu, Duration stopped, bool ours) {
    const HeapFacts& heap = r.facts();
    CostSight seen{saturating_sub(heap.committed, r.balloon().size().granted),
                   cpu.all,
                   stopped,
                   ours,
                   heap.young_time,
                   heap.full_time,
                   heap.young_gcs + heap.full_gcs.value_or(0),
                   r.application(),
                   saturating_sub(heap.used + heap.freed, r.balloon().inflated())};
    if (!heap.old_committed.is_zero()) seen.filled = heap.old_committed.as_double() / heap.committed.as_double();
    if (heap.kind == CollectionKind::whole_heap_cycles) {
        seen.cycles = heap.young_gcs;
        seen.between_cycles = heap.allocated;
        seen.held = r.target().has_value();
        seen.kept_free = kept_free(heap, r.allocated_in(heap.cycle_length));
    }
    if (heap.kind == CollectionKind::young_and_marking) {
        seen.young_time = ticks(cpu.all - cpu.concurrent + stopped);
        seen.other_time = ticks(cpu.concurrent);
    }
    return seen;
}

}  // namespace

JvmReport AgentLoop::describe() {
    const Regulator& r = *regulator_;
    const HeapFacts& heap = r.facts();
    costs_.observe(cost_sight(r, gc_used_, signals_.stopped(), own_collections_.take()), clock_.now());
    JvmReport report;
    report.name = link_->name();
    report.facts = facts_now();
    report.footprint = r.footprint();
    report.committed = heap.committed;
    report.used = heap.used;
    report.live = r.live();
    report.floor = r.floor();
    report.ceiling = heap.max;
    report.non_heap = non_heap_;
    report.balloon = r.balloon().size();
    report.balloon_verified = r.balloon().verified();
    report.releasable = report.facts.can_balloon ? r.releasable() : Bytes();
    report.target = r.target();
    report.target_left = r.target_left();
    report.alloc_bytes_per_s = load_.alloc_bytes_per_s();
    report.gc_cpu = load_.gc().now;
    report.agent_cpu = load_.agent_cpu();
    report.pause_p99 = pause_p99_;
    report.gc_count = heap.young_gcs + heap.full_gcs.value_or(0);
    report.full_gcs = heap.full_gcs;
    report.refills = r.balloon().refills();
    report.refill_bytes_per_s = load_.refill_bytes_per_s();
    report.cleared_chunks = r.balloon().cleared();
    report.guard_releases = r.guard_releases();
    report.distress = r.distress();
    report.levers = r.levers().in_use();
    report.held = r.held_how();
    report.running_op = r.running_op();
    // Free to grow, the JVM has chosen what it uses; held, nobody knows what it would use.
    const Bytes useful = report.target ? report.ceiling : heap.committed;
    report.curve_seen = to_millis(costs_.observed());
    report.curve = costs_.curve(r.live(), report.floor, useful, report.ceiling);
    return report;
}

}  // namespace aerostat::agent
