#include "jvm-agent/jvm/cycle_heap.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

constexpr const char* kIdleCause = "No GC";
/// HeapFacts counts two pauses for each cycle.
constexpr std::uint64_t kPausesACycle = 2;

}  // namespace

Result<std::unique_ptr<CycleHeap>> CycleHeap::make(const VmSight& vm, CycleHeapTraits traits) {
    const auto heap = vm.tables.static_field("Universe", "_collectedHeap");
    const auto total = vm.tables.offset("CollectedHeap", "_total_collections");
    if (!heap || !total) return fail(ErrorCode::unsupported, "this JVM does not describe its heap");
    std::unique_ptr<CycleHeap> made(new CycleHeap(vm, std::move(traits)));
    made->collections_at_ = HotspotTables::load<std::uintptr_t>(*heap) + *total;
    if (vm.flags.is_on("UsePerfData") && !made->cause_.is_there())
        return fail(ErrorCode::unsupported, "this JVM does not tell when it collects");
    return made;
}

CycleHeap::CycleHeap(const VmSight& vm, CycleHeapTraits traits)
    : traits_(std::move(traits)),
      runtime_(vm.env),
      signals_(*vm.signals),
      minimum_(vm.flags.bytes("MinHeapSize")),
      max_(runtime_.max()) {
    const PerfCounters counters = PerfCounters::open(vm.tables);
    cause_ = counters.find_text("sun.gc.cause");
    last_cause_ = counters.find_text("sun.gc.lastCause");
    allocation_ = AllocationCount(counters);
    if (*traits_.whole_pauses != '\0') whole_pauses_ = counters.find(traits_.whole_pauses);
}

HeapFacts CycleHeap::observe() {
    HeapFacts facts;
    facts.max = max_;
    facts.minimum = minimum_;
    facts.region = traits_.chunk;
    const HeapSizes sizes = runtime_.sizes();
    facts.committed = sizes.committed;
    facts.used = sizes.used;
    facts.pauses = signals_.finished.load(std::memory_order_acquire);
    facts.kind = traits_.kind;
    facts.levers_give = traits_.levers_give;
    facts.headroom = traits_.headroom;
    facts.headroom_share = traits_.headroom_share;
    facts.gives_back_after = traits_.gives_back_after;
    follow_cycles(facts);
    return facts;
}

void CycleHeap::follow_cycles(HeapFacts& facts) {
    // Before the cause: a cycle that begins between the two must not look like one that has ended.
    const std::uint64_t pauses = signals_.finished.load(std::memory_order_acquire);
    const bool collecting = cause_.is_there() && !cause_.equals(kIdleCause);
    const std::uint64_t collections = traits_.pauses_a_cycle > 0 ? cycles_by_pauses(pauses, collecting)
                                                                 : HotspotTables::load<std::uint32_t>(collections_at_);
    const std::uint64_t whole_pauses = whole_pauses_.read().value_or(0);
    if (!started_) {
        started_ = true;
        completed_ = stalled_at_ = dated_ = collections;
        whole_pauses_seen_ = whole_pauses;
    }
    const bool counted_by_pauses = *traits_.whole_pauses != '\0';
    const std::uint64_t completed = collections - std::min<std::uint64_t>(collecting ? 1 : 0, collections);
    if (completed > completed_) {  // the cause is published a little before its cycle counts: not to be counted back
        if (!counted_by_pauses) over_ += completed - completed_;
        if (!counted_by_pauses) whole_gcs_ += whole_among(completed - completed_);
        completed_ = completed;
    }
    // Young cycles run inside an old one, whose pauses have moved already: only at rest is it surely over.
    if (counted_by_pauses && !collecting && whole_pauses != whole_pauses_seen_) {
        ++over_;
        ++whole_gcs_;
        whole_pauses_seen_ = whole_pauses;
    }
    allocation_.observe(collections, facts.used);
    const bool stalled = cause_.equals(traits_.stall_cause) || last_cause_.equals(traits_.stall_cause);
    if (stalled && collections != stalled_at_) {
        stalled_at_ = collections;
        ++stalls_;
    }
    facts.young_gcs = collections;
    facts.cycle_pauses = over_ * kPausesACycle;
    facts.whole_gcs = whole_gcs_;
    facts.collecting = collecting;
    facts.stalls = stalls_;
    facts.freed = allocation_.freed();
    facts.allocated = allocation_.allocated();
    date_cycle(facts, pauses);
}

/// The newest cycle's pauses are those since the program was last seen without one, and no more than a cycle has.
void CycleHeap::date_cycle(HeapFacts& facts, std::uint64_t pauses) {
    const bool at_rest = !*facts.collecting;
    if (facts.young_gcs != dated_) {
        const std::uint64_t most = std::min(traits_.most_pauses, pauses);
        first_pause_ = std::max(pauses_at_rest_, pauses - most) + 1;
        if (at_rest || pauses >= first_pause_) dated_ = facts.young_gcs;
    }
    if (at_rest) pauses_at_rest_ = pauses;
    if (traits_.most_pauses == 0) return;
    facts.cycle_began = signals_.start_of(first_pause_);
    const auto last = signals_.start_of(std::min(pauses, first_pause_ + traits_.most_pauses - 1));
    if (facts.cycle_began && last) facts.cycle_length = std::max(*last - *facts.cycle_began, Duration::zero());
}

/// Of several that ended since the last look only the newest one's cause is still told.
std::uint64_t CycleHeap::whole_among(std::uint64_t cycles) const {
    const auto& causes = traits_.whole_causes;
    if (causes.empty()) return cycles;
    return std::any_of(causes.begin(), causes.end(), [this](const char* cause) { return last_cause_.equals(cause); }) ? 1
                                                                                                                      : 0;
}

/// Shenandoah counts pauses only, and a cycle that finds enough at once leaves half of them out. One begins when the cause
/// says so, or when pauses show that one was missed; of cycles without a break between them, the full number of pauses has
/// to tell.
std::uint64_t CycleHeap::cycles_by_pauses(std::uint64_t pauses, bool collecting) {
    if (!in_cycle_ && (collecting || pauses != cycle_from_)) {
        in_cycle_ = true;
        ++cycles_;
    }
    if (!collecting) {
        in_cycle_ = false;
        cycle_from_ = pauses;
    } else if (pauses - cycle_from_ > traits_.pauses_a_cycle) {
        ++cycles_;
        cycle_from_ += traits_.pauses_a_cycle;
    }
    return cycles_;
}

}  // namespace aerostat::agent
