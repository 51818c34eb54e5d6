#include "jvm-agent/app/agent_loop.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include <asio/buffer.hpp>

#include "jvm-agent/app/agent.h"
#include "jvm-agent/decide/sizing.h"
#include "jvm-agent/jvm/java_side.h"
#include "jvm-agent/jvm/native_heap.h"
#include "procfs/process.h"

namespace aerostat::agent {
namespace {

constexpr Duration kReportEvery = std::chrono::seconds(1);
/// Nobody listens and nothing is held: only rates are kept up.
constexpr Duration kAlone = std::chrono::seconds(5);
/// Of one core, for counting the memory beside the heap.
constexpr double kProcessShare = 0.0001;
constexpr double kProcessShareHolding = 0.002;
/// A program may set a threshold at any time.
constexpr Duration kAlarmReadEvery = std::chrono::seconds(1);
constexpr std::size_t kUnsentResults = OperationBook::kKept;

Duration thread_cpu() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + Duration(used.tv_nsec);
}

JvmFacts facts_of(Collector& collector, std::string java_version) {
    const HeapFacts heap = collector.heap().observe();
    const Status can = collector.can_balloon();
    const Status can_hold = can ? collector.can_hold_chunks() : can;
    return {std::move(java_version),
            collector.name(),
            heap.max,
            heap.minimum,
            can.has_value(),
            can_hold ? "" : can_hold.error().message,
            can_hold.has_value()};
}

/// Later ones also make a heap smaller by this flag, and would make it tight.
constexpr int kNewestHeldUnderLoad = 25;

/// Under load only where the one flag for that can be stored: it is, as it stands.
Status can_hold_under_load(const VmSight& vm) {
    if (vm.major_version > kNewestHeldUnderLoad) return fail(ErrorCode::unsupported, "this is known of JDK 17 to 25 only");
    const auto ratio = vm.flags.read(kTimeRatioFlag);
    if (!ratio) return fail(ErrorCode::unsupported, "this JVM has no GCTimeRatio");
    if (ratio->by_operator) return fail(ErrorCode::refused, "GCTimeRatio is yours");
    return vm.flags.store({kTimeRatioFlag, ratio->value});
}

G1Hold hold_of(const VmSight& vm) {
    if (vm.g1_hold != G1Hold::size || !vm.flags.is_on("UseG1GC")) return vm.g1_hold;
    const auto can = can_hold_under_load(vm);
    if (can) return G1Hold::size;
    say("g1-hold=size: the heap is held by its size only while it is calm: " + can.error().message);
    return G1Hold::calm;
}

}  // namespace

AgentLoop::AgentLoop(const VmSight& vm, std::string java_version, const Options& options, GcSignals& signals)
    : options_(options),
      signals_(signals),
      collector_(collector_of(vm)),
      gc_threads_(clock_),
      thresholds_(vm.env),
      facts_(facts_of(*collector_, std::move(java_version))),
      loop_(1),
      timer_(loop_),
      gc_events_(loop_, ::dup(signals.event_fd)),
      program_(make_java_side(vm)),
      condition_(options.runtime_dir) {
    RegulatorPorts ports{collector_->heap(),
                         collector_->chunks(),
                         collector_->flags(),
                         collector_->lever_rule(),
                         clock_,
                         &thread_cpu,
                         [this] { return load_.marking(); },
                         [this] { return gc_threads_.used().concurrent; },
                         [this] { return options_.trim_native ? trim_native_heap() : Bytes(); },
                         [this] { return alarm(); }};
    const Status can_hold_chunks = collector_->can_hold_chunks();
    RegulatorRules rules{options.cpu_budget, options.firmest,  options.stress_passes,    collector_->can_balloon(),
                         can_hold_chunks,    options.full_gcs, collector_->would_help(), hold_of(vm)};
    regulator_ = std::make_unique<Regulator>(
        ports, rules,
        Regulator::Listener{
            [this](OperationResult result) { send_result(std::move(result)); },
            [this](Pressure pressure) {
                note("gave back " + format_bytes(pressure.wanted) + ", cause=" + pressure.cause);
                pressure_ = pressure.cause;
                record({BalloonEvent::Kind::guard, pressure.wanted, regulator_->balloon().size(), pressure.cause});
                pressure.jvm = link_->name();
                link_->send(std::move(pressure));
            }});
    const std::string name = options.name.empty() ? "jvm-" + std::to_string(getpid()) : options.name;
    link_ = std::make_unique<Link>(loop_, options.runtime_dir, name, facts_, clock_,
                                   Link::Handlers{[this](const SetHeapTarget& order) { take_order(order); },
                                                  [this](const Cancel& order) {
                                                      regulator_->cancel(order);
                                                      record_changes("cancel");
                                                  },
                                                  [this] {
                                                      for (auto& result : std::exchange(unsent_, {}))
                                                          send_result(std::move(result));
                                                      report();
                                                      wake_in(kReportEvery);
                                                  },
                                                  [](const std::string& text) { say(text); }});
    if (!facts_.can_balloon)
        note("no balloon in this JVM: " + facts_.why_not);
    else if (!can_hold_chunks)
        note("only the collector's own levers in this JVM: " + can_hold_chunks.error().message);
}

void AgentLoop::take_order(const SetHeapTarget& order) {
    follow_switch();
    regulator_->accept(order);
    was_targeted_ = was_targeted_ || (regulator_->target() && !program_->is_offered());
    record_changes("order " + order.op);
    work();
}

void AgentLoop::run() {
    if (options_.mxbean == MxBean::on) offer_to_program();
    wait_for_gc();
    work();
    link_->start();
    try {
        loop_.run();
    } catch (...) {  // a library's: nothing of ours may stay in force without the agent
        if (!vm_is_dead()) regulator_->lift(true);
        throw;
    }
    signals_.wanted.store(false);
}

void AgentLoop::wait_for_gc() {
    gc_events_.async_read_some(asio::buffer(&event_count_, sizeof event_count_),
                               [this](asio::error_code error, std::size_t) {
                                   if (error) return;
                                   if (vm_is_dead()) return loop_.stop();
                                   work();
                                   wait_for_gc();
                               });
}

void AgentLoop::wake_in(Duration delay) {
    timer_.expires_after(delay);
    timer_.async_wait([this](asio::error_code error) {
        if (error) return;
        if (vm_is_dead()) return loop_.stop();
        work();
    });
}

/// One slice of work, then sleep until the next is due.
void AgentLoop::work() {
    sample();
    serve_program();
    const Duration wait = advance();
    signals_.wanted.store(regulator_->wants_gc_events(), std::memory_order_relaxed);
    const TimePoint now = clock_.now();
    if (link_->is_up() && now - reported_at_ >= kReportEvery) report();
    const bool idle = !link_->is_up() && !regulator_->wants_gc_events() && !regulator_->target();
    // Without a link no report moves reported_at_, and what is due for ever would be done without a rest.
    const Duration due = link_->is_up() ? std::max(Duration::zero(), reported_at_ + kReportEvery - now) : kReportEvery;
    wake_in(idle ? kAlone : std::min(wait, due));
}

Duration AgentLoop::advance() {
    const std::string op = regulator_->running_op();
    const bool targeted = regulator_->target().has_value();
    pressure_.clear();
    watch_own_collections();  // what drives now may have ended when advance() returns
    const Duration wait = regulator_->advance(load_.gc());
    watch_own_collections();
    if (!pressure_.empty())
        record_changes(pressure_);
    else if (targeted && !regulator_->target())
        record_changes("target-lifted");
    else
        record_changes(op.empty() ? "hold" : "order " + op);
    return wait;
}

void AgentLoop::watch_own_collections() {
    own_collections_.observe(regulator_->causes_collections(), load_.marking(), regulator_->facts(), clock_.now());
}

/// Only where there is, or soon will be, a balloon that could set it off.
Bytes AgentLoop::alarm() {
    const bool matters = regulator_ && (regulator_->target() || regulator_->balloon().count() > 0);
    const TimePoint now = clock_.now();
    if (matters && now - alarm_read_at_ >= kAlarmReadEvery) {
        alarm_ = thresholds_.lowest().value_or(kAlarmUnknown);
        alarm_read_at_ = now;
    }
    return matters ? alarm_ : Bytes();
}

void AgentLoop::sample() {
    regulator_->look_if_due();
    const TimePoint now = clock_.now();
    const bool held = regulator_->balloon().count() > 0 || regulator_->levers().is_holding();
    gc_used_ = gc_threads_.used();
    load_.sample(
        {regulator_->facts(), regulator_->balloon().inflated(), gc_used_, thread_cpu(), regulator_->refilled(), held}, now);
    if (now - pauses_read_at_ >= std::chrono::seconds(30)) {
        pause_p99_ = signals_.pauses.p99_since_last();
        pauses_read_at_ = now;
    }
    if (process_looks_.due(now, held ? kProcessShareHolding : kProcessShare)) look_beside_the_heap();
}

/// Both walks at one moment, or their difference means nothing. A heap of shared memory needs neither.
void AgentLoop::look_beside_the_heap() {
    const TimePoint began = clock_.now();
    if (collector_->heap().is_shared()) {
        if (const auto own = procfs::own_memory_but_shared()) non_heap_ = *own;
    } else {
        const auto heap = collector_->heap().measure_footprint();
        const auto process = procfs::process_residency(getpid());
        if (process) non_heap_ = saturating_sub(process->rss, heap ? heap->rss : Bytes());
    }
    process_looks_.looked(clock_.now(), clock_.now() - began);
}

void AgentLoop::send_result(OperationResult result) {
    note("operation=" + result.op + " reason=" + std::string(to_string(result.reason)) + " asked_bytes=" +
         std::to_string(result.asked.count()) + " obtained_bytes=" + std::to_string(result.obtained.count()) +
         " elapsed_ms=" + std::to_string(result.elapsed.count()) +
         (result.detail.empty() ? "" : " detail=" + result.detail));
    last_result_ = result;
    ended_at_ = clock_.now();
    publish();
    result.session = link_ ? link_->session() : std::string();
    if (link_ && link_->send(result)) return;
    if (unsent_.size() < kUnsentResults) unsent_.push_back(std::move(result));
}

void AgentLoop::report() {
    reported_at_ = clock_.now();
    link_->send(describe());
}

void AgentLoop::note(const std::string& text) const {
    if (options_.verbose) say(text);
}

}  // namespace aerostat::agent
