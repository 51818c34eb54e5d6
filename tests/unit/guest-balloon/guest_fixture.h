#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "guest-balloon/decide/guest_state.h"
#include "tests/support/builders.h"

namespace aerostat::guest {

using namespace aerostat::literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A guest whose agents, clock, instruments and processes are in the test's hands.
class Guest {
public:
    explicit Guest(GuestRules rules = {}, bool has_host = false) : state("guest", rules, has_host, clock.now()) {}

    ManualClock clock;
    GuestState state;
    std::set<pid_t> dead;
    Effects effects;  ///< since the last take()
    ConnectionId next_connection = 1;
    int next_op = 1;

    [[nodiscard]] IsAlive alive() const {
        return [this](const ProcessIdentity& process) { return !dead.contains(process.pid); };
    }
    static Hello hello(const std::string& name, const std::string& session = "s1") {
        return Hello{Role::agent, name, session, "0.1.0", testing::a_report().facts};
    }
    static JvmReport report(Bytes footprint = 1_GiB) {
        JvmReport report = testing::a_report();
        report.footprint.resident = footprint;
        report.target.reset();
        report.target_left.reset();
        report.running_op.clear();
        return report;
    }
    Result<Welcome> try_connect(const std::string& name, pid_t pid, uid_t uid = 1000, const std::string& session = "s1") {
        return state.agent_hello(next_connection++, ProcessIdentity{pid, 7, uid}, hello(name, session), alive(), clock.now(),
                                 effects);
    }
    /// Connects an agent and lets it report; returns its connection.
    ConnectionId connect(const std::string& name, pid_t pid, Bytes footprint = 1_GiB, const std::string& session = "s1") {
        auto welcome = try_connect(name, pid, 1000, session);
        EXPECT_TRUE(welcome);
        const ConnectionId connection = next_connection - 1;
        say(connection, report(footprint));
        return connection;
    }
    void say(ConnectionId from, const JvmReport& what) { state.agent_report(from, what, clock.now(), effects); }
    void answer(ConnectionId from, const SetHeapTarget& order, Bytes obtained, EndReason reason, Bytes asked = 100_MiB) {
        OperationResult result;
        result.session = order.session;
        result.op = order.op;
        result.asked = asked;
        result.obtained = obtained;
        result.shortfall = saturating_sub(asked, obtained);
        result.reason = reason;
        result.rest =
            order.on_shortfall == OnShortfall::rollback && reason != EndReason::met ? RestIs::rolled_back : RestIs::kept;
        state.agent_result(from, result, clock.now(), effects);
    }
    Result<std::string> ask(ControlRequest request) {
        return state.begin(request, "op-" + std::to_string(next_op++), clock.now(), effects);
    }
    static ControlRequest squeeze(const std::string& jvm, Bytes bytes) {
        ControlRequest request;
        request.command = Command::squeeze;
        request.target = jvm;
        request.bytes = bytes;
        return request;
    }
    static ControlRequest command(Command command, const std::string& target = {}) {
        ControlRequest request;
        request.command = command;
        request.target = target;
        return request;
    }
    void advance(Duration by) {
        clock.advance(by);
        state.tick("tick-op-" + std::to_string(next_op++), clock.now(), effects);
    }
    /// Answers every measurement asked for so far with this PSS.
    void measure(std::optional<Bytes> pss) {
        for (const Measure& asked : take<Measure>())
            state.measured(asked.op, asked.jvm, asked.moment, pss, clock.now(), effects);
    }
    /// The effects of one kind, taken out.
    template <class T>
    std::vector<T> take() {
        std::vector<T> found;
        Effects rest;
        for (Effect& effect : effects) {
            if (auto* wanted = std::get_if<T>(&effect))
                found.push_back(*wanted);
            else
                rest.push_back(effect);
        }
        effects = std::move(rest);
        return found;
    }
    SetHeapTarget take_order() {
        auto orders = take<OrderAgent>();
        EXPECT_EQ(orders.size(), 1U);
        return orders.empty() ? SetHeapTarget{} : orders.back().order;
    }
    OperationView view(const std::string& op) {
        const Operation* operation = state.orders().find(op);
        EXPECT_TRUE(operation);
        return operation ? view_of(*operation, clock.now()) : OperationView{};
    }
    void welcome_host(const std::string& session = "h1") {
        state.host_welcomed(session, Welcome{session, "guest", Millis(30'000)}, clock.now());
    }
    static Apply apply(const std::string& op, const std::string& jvm, Bytes target, const std::string& session = "h1") {
        Apply apply;
        apply.session = session;
        apply.op = op;
        apply.jvms = {JvmOrder{jvm, HeapTarget{target}}};
        return apply;
    }
};

}  // namespace aerostat::guest
