#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/control.h"
#include "guest-balloon/decide/effects.h"
#include "guest-balloon/decide/host_lease.h"
#include "guest-balloon/decide/order_book.h"
#include "guest-balloon/decide/request_rules.h"

namespace aerostat::guest {

/// The knobs of the decisions. All may change while the daemon runs.
struct GuestRules {
    Millis agent_lease{30'000};
    AgentLimits limits;
    std::optional<Duration> silence_release_after;  ///< absent: hold for as long as the host is silent
    std::optional<Bytes> reserve;  ///< of available memory, never released into; absent: 5 %, 64 MiB at least
};

/// The guest as our own sensors see it.
struct GuestMemory {
    Bytes total;
    Bytes available;
    std::optional<double> psi_some_avg10;
    std::optional<double> psi_full_avg10;
};

/// All that guestd knows, and what follows from each thing that happens.
///
/// Events go in with the time they came; what has to be done comes out as effects. No clock, no I/O, no log: the same events
/// give the same effects. Total over anything an agent can say, and bounded in size. Thread: the loop's.
class GuestState {
public:
    GuestState(std::string name, GuestRules rules, bool has_host, TimePoint now);
    GuestState(const GuestState&) = delete;
    GuestState& operator=(const GuestState&) = delete;

    // Agents. An unknown connection is ignored.
    [[nodiscard]] Result<Welcome> agent_hello(ConnectionId from, const ProcessIdentity& process, const Hello& hello,
                                              const IsAlive& is_alive, TimePoint now, Effects& effects);
    void agent_report(ConnectionId from, const JvmReport& report, TimePoint now, Effects& effects);
    void agent_result(ConnectionId from, const OperationResult& result, TimePoint now, Effects& effects);
    void agent_pressure(ConnectionId from, Pressure pressure, TimePoint now, Effects& effects);
    void agent_gone(ConnectionId from, TimePoint now, Effects& effects);

    // Operators. `op` is a fresh id. squeeze, give, release, pause: the id of the operation that has begun.
    [[nodiscard]] Result<std::string> begin(const ControlRequest& request, const std::string& op, TimePoint now,
                                            Effects& effects);
    [[nodiscard]] Status cancel(const ControlRequest& request, TimePoint now, Effects& effects);
    [[nodiscard]] Status resume(const std::string& target);

    // The host.
    void host_welcomed(const std::string& session, const Welcome& welcome, TimePoint now);
    void host_lost(TimePoint now);
    void host_heard(TimePoint now) { host_.heard(now); }
    void host_lease(const LeaseRenewal& lease, TimePoint now);
    /// Whether what carries this session is our host's word; counted if it is not.
    [[nodiscard]] bool host_speaks(const std::string& session, TimePoint now) { return is_ours(session, now); }
    void host_order(const Apply& apply, TimePoint now, Effects& effects);
    void host_cancel(const Cancel& cancel, TimePoint now, Effects& effects);

    /// The guard has acted; the books follow.
    void guard_fired(Order order, TimePoint now, Effects& effects) {
        if (!order.tasks.empty()) orders_.begin(std::move(order), now, effects);
    }

    // Instruments and time.
    void measured(const std::string& op, const std::string& jvm, Moment moment, std::optional<Bytes> pss, TimePoint now,
                  Effects& effects);
    void pss_seen(const std::string& jvm, const ProcessIdentity& process, const Result<Bytes>& pss, TimePoint now);
    void memory_seen(const GuestMemory& memory) { memory_ = memory; }
    void os_seen(OsReport os) { os_ = std::move(os); }
    void applications_gave(const std::string& op, TimePoint now, Effects& effects) {
        orders_.applications_gave(op, now, effects);
    }
    void os_moved(const std::string& op, const OsOutcome& outcome, TimePoint now, Effects& effects) {
        orders_.os_moved(op, outcome, now, effects);
    }
    void forget_dead(const IsAlive& is_alive, TimePoint now, Effects& effects);
    /// Carries out what is due; `op` is a fresh id, used if the silence rule raises targets.
    void tick(const std::string& op, TimePoint now, Effects& effects);
    /// When an operation next needs tick(); absent if none runs.
    [[nodiscard]] std::optional<TimePoint> next_due() const { return orders_.next_due(); }

    void set_rules(const GuestRules& rules);
    void set_paused(PauseSwitch paused) { paused_ = std::move(paused); }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const JvmBook& jvms() const { return jvms_; }
    [[nodiscard]] const OrderBook& orders() const { return orders_; }
    [[nodiscard]] OrderBook& orders() { return orders_; }
    [[nodiscard]] const PauseSwitch& paused() const { return paused_; }
    [[nodiscard]] const GuestMemory& memory() const { return memory_; }
    [[nodiscard]] const std::optional<OsReport>& os() const { return os_; }
    /// Of the guest's memory, held by its Java heaps.
    [[nodiscard]] Bytes heaps() const;
    [[nodiscard]] Bytes reserve() const;
    [[nodiscard]] Superior superior(TimePoint now) const { return host_.at(now); }
    [[nodiscard]] const std::string& host_session() const { return host_session_; }
    [[nodiscard]] std::uint64_t orders_of_other_sessions() const { return foreign_orders_; }
    [[nodiscard]] GuestReport report() const;

private:
    [[nodiscard]] bool is_ours(const std::string& session, TimePoint now);
    void follow_reported_target(Jvm& jvm);
    void restore_restraint(Jvm& jvm);
    void expire_holds(TimePoint now);
    void release_in_silence(const std::string& op, TimePoint now, Effects& effects);
    [[nodiscard]] Result<std::string> pause(const ControlRequest& request, const std::string& op, TimePoint now,
                                            Effects& effects);

    std::string name_;
    GuestRules rules_;
    JvmBook jvms_;
    OrderBook orders_;
    PauseSwitch paused_;
    GuestMemory memory_;
    std::optional<OsReport> os_;
    HostLease host_;
    std::string host_session_;
    std::uint64_t foreign_orders_ = 0;
    TimePoint last_silent_step_;
};

}  // namespace aerostat::guest
