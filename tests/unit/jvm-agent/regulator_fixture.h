#pragma once

#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/fake_jvm.h"

namespace aerostat::agent {

using namespace literals;
using namespace std::chrono_literals;

/// The regulator over a heap on paper, with time that passes as it asks for it.
class RegulatorTest : public testing::Test {
protected:
    explicit RegulatorTest(RegulatorRules rules = {}, LeverRule levers = &plan_g1_levers)
        : regulator({jvm, jvm, jvm, levers, jvm.clock, [this] { return cpu + jvm.cpu_spent; }, [] { return false; },
                     [] { return Duration{}; }, [this] { return ++trims, native_free; }, [this] { return alarm; }},
                    rules,
                    {[this](OperationResult r) { results.push_back(std::move(r)); },
                     [this](Pressure p) { pressures.push_back(std::move(p)); }}) {}

    SetHeapTarget order(std::string op, Bytes target) {
        SetHeapTarget order;
        order.op = std::move(op);
        order.target = {target};
        return order;
    }
    /// The agent's loop, with time passing as the regulator asks; cycles run as its levers ask.
    void run(Duration time) {
        const TimePoint until = jvm.clock.now() + time;
        while (jvm.clock.now() < until) {
            const Duration wait = regulator.advance(gc);
            cpu += 200us;
            jvm.clock.advance(std::clamp<Duration>(wait, 2ms, 50ms));
            jvm.let_cycles_run(1);
        }
    }
    void run_until_result(std::size_t count = 1) {
        for (int i = 0; i < 2000 && results.size() < count; ++i) run(10ms);
        ASSERT_GE(results.size(), count);
    }

    FakeJvm jvm;
    Duration cpu{};
    GcLoad gc;
    int trims = 0;
    Bytes native_free;
    Bytes alarm;  ///< HeapFacts::alarm
    std::vector<OperationResult> results;
    std::vector<Pressure> pressures;
    Regulator regulator;
};

}  // namespace aerostat::agent
