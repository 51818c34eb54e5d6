#pragma once

#include "tests/unit/jvm-agent/regulator_fixture.h"

namespace aerostat::agent {

/// A G1 heap full of chunks, which needs as many no more, and a program at work in it.
class CalmHeap : public RegulatorTest {
protected:
    explicit CalmHeap(G1Hold hold = G1Hold::calm)
        : RegulatorTest(RegulatorRules{0.05, Cap::hard, false, {}, {}, 0, "", hold}) {}
    void SetUp() override {
        jvm.max = jvm.committed = jvm.in_memory = 1536_MiB;
        jvm.live = 120_MiB;
        jvm.grows_at_pauses = 1.0 / 13;
        auto hard = order("a", 300_MiB);
        hard.cap = Cap::hard;
        regulator.accept(hard);
        run_until_result();
        ASSERT_EQ(results[0].reason, EndReason::met);
        results.clear();
        regulator.accept(order("held", 300_MiB));
        run_until_result();
        size = jvm.committed;
        ASSERT_GE(size, 1200_MiB);
    }
    /// A second of a program at work; `paused`: of the time.
    void work(int seconds, double paused = 0.005) {
        for (int i = 0; i < seconds; ++i) {
            run(500ms);
            jvm.stopped += Duration(static_cast<Duration::rep>(1e9 * paused));
            jvm.young_gc();
            run(500ms);
            regulator.look_if_due();
            most = std::max(most, jvm.resident_heap());
            most_may_be = std::max(most_may_be, saturating_sub(jvm.committed, jvm.balloon()));
        }
    }
    /// As G1 does for a program that spends much of its time in collections; what it commits is used at once.
    void commit_more(Bytes more) {
        jvm.committed = std::min(jvm.max, jvm.committed + more);
        jvm.in_memory = std::min(jvm.committed, jvm.in_memory + more);
    }
    /// Until a step is under way, no cycle of which has run yet.
    void wait_for_step() {
        for (int i = 0; i < 10'000 && jvm.flag("G1PeriodicGCInterval") == 0; ++i) {
            jvm.clock.advance(50ms);
            static_cast<void>(regulator.advance(gc));
        }
        ASSERT_GT(jvm.flag("G1PeriodicGCInterval"), 0);
    }
    void expect_settings_of_the_jvms_own() {
        EXPECT_EQ(jvm.flag("MinHeapFreeRatio"), 40);
        EXPECT_EQ(jvm.flag("MaxHeapFreeRatio"), 70);
        EXPECT_EQ(jvm.flag("G1PeriodicGCInterval"), 0);
    }
    Bytes size;  ///< after the order
    Bytes most, most_may_be;
};

}  // namespace aerostat::agent
