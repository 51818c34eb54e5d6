#include "jvm-agent/sense/load_meter.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

class LoadMeterTest : public testing::Test {
protected:
    void run(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            clock.advance(1s);
            each_second();
            meter.sample(now, clock.now());
        }
    }
    std::function<void()> each_second = [] {};
    LoadMeter meter;
    LoadMeter::Counters now;
    ManualClock clock;
};

TEST_F(LoadMeterTest, CountsWhatCollectionsFreedAsAllocated) {
    each_second = [this] {
        now.heap.used += 150_MiB;
        now.heap.used = saturating_sub(now.heap.used, 50_MiB);
        now.heap.freed += 50_MiB;
    };
    run(30);
    EXPECT_NEAR(meter.alloc_bytes_per_s(), (150_MiB).as_double(), (2_MiB).as_double());
}

TEST_F(LoadMeterTest, ChunksAreNotTheProgramsAllocation) {
    each_second = [this] {
        now.heap.used += 64_MiB;
        now.inflated += 64_MiB;
    };
    run(30);
    EXPECT_NEAR(meter.alloc_bytes_per_s(), 0, 1);
}

TEST_F(LoadMeterTest, TheUsualLoadIsThatWithoutABalloon) {
    each_second = [this] { now.gc.all += 100ms; };
    run(600);
    EXPECT_NEAR(meter.gc().usual, 0.1, 0.01);
    now.balloon_held = true;
    each_second = [this] { now.gc.all += 900ms; };
    run(30);
    EXPECT_NEAR(meter.gc().now, 0.9, 0.01);
    EXPECT_NEAR(meter.gc().usual, 0.1, 0.01);
}

TEST_F(LoadMeterTest, SeesMarkingByTheConcurrentThreads) {
    run(2);
    EXPECT_FALSE(meter.marking());
    each_second = [this] { now.gc.concurrent += 5ms; };
    run(1);
    EXPECT_TRUE(meter.marking());
}

}  // namespace
}  // namespace aerostat::agent
