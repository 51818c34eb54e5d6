#pragma once

#include <memory>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "jvm-agent/act/regulator.h"
#include "jvm-agent/app/balloon_events.h"
#include "jvm-agent/app/link.h"
#include "jvm-agent/app/options.h"
#include "jvm-agent/decide/cost_model.h"
#include "jvm-agent/decide/own_collections.h"
#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/gc_threads.h"
#include "jvm-agent/jvm/pool_thresholds.h"
#include "jvm-agent/sense/condition_watch.h"
#include "jvm-agent/sense/load_meter.h"

namespace aerostat::agent {

/// The loop of the agent's thread: link, timers, GC wake-ups; owns all state of the agent.
/// Thread: the attached agent thread, from construction to the end of run().
class AgentLoop {
public:
    AgentLoop(const VmSight& vm, std::string java_version, const Options& options, GcSignals& signals);
    /// Until the VM dies.
    void run();

private:
    void wait_for_gc();
    void wait_for_timer();
    void wake_in(Duration delay);
    void work();
    [[nodiscard]] Duration advance();
    [[nodiscard]] Bytes alarm();
    void sample();
    void watch_own_collections();
    void look_beside_the_heap();
    void report();
    void send_result(OperationResult result);
    void note(const std::string& text) const;
    [[nodiscard]] JvmReport describe();
    [[nodiscard]] JvmFacts facts_now() const;
    [[nodiscard]] BalloonView view() const;
    void take_order(const SetHeapTarget& order);
    void offer_to_program();
    void serve_program();
    void publish();
    void follow_condition();
    void follow_switch();
    void record(const BalloonEvent& event);
    void record_changes(const std::string& cause);
    [[nodiscard]] bool vm_is_dead() const { return signals_.closed.load(std::memory_order_acquire); }

    const Options& options_;
    GcSignals& signals_;
    SystemClock clock_;
    std::unique_ptr<Collector> collector_;
    GcThreads gc_threads_;
    PoolThresholds thresholds_;
    Bytes alarm_;
    TimePoint alarm_read_at_{};
    LoadMeter load_;
    GcCpuPort::Used gc_used_;
    CostModel costs_;
    OwnCollections own_collections_;
    LookSchedule process_looks_;
    JvmFacts facts_;  ///< as the JVM was started; facts_now() knows the switch
    asio::io_context loop_;
    asio::steady_timer timer_;
    asio::posix::stream_descriptor gc_events_;
    std::unique_ptr<Regulator> regulator_;
    std::unique_ptr<Link> link_;
    TimePoint reported_at_{}, pauses_read_at_{};
    std::uint64_t event_count_ = 0;
    Bytes non_heap_;
    std::optional<Millis> pause_p99_;
    std::vector<OperationResult> unsent_;
    std::unique_ptr<ProgramPort> program_;
    ConditionWatch condition_;
    std::optional<ConditionState> condition_told_;
    TimePoint condition_looked_at_{};
    bool was_targeted_ = false, switched_off_ = false;
    OperationResult last_result_;
    TimePoint ended_at_{}, published_at_{};
    BalloonTotals recorded_;
    std::string pressure_;  ///< cause of the last one that was told in the step under way
};

}  // namespace aerostat::agent
