#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/jvm-agent/collector_fixture.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using testing::FakeHotspot;
using ::testing::HasSubstr;

/// With -Xms equal to -Xmx, and with what this collector sets by itself.
class ShenandoahTest : public CollectorTest {
protected:
    ShenandoahTest() {
        jvm.region_size() = (512_KiB).count();
        jvm.set_flag("MinHeapSize", static_cast<std::int64_t>(kHeap.count()));
        for (const char* flag : {"ShenandoahUncommit", "ExplicitGCInvokesConcurrent"}) jvm.set_flag(flag, 1);
        jvm.set_text("sun.gc.cause", "No GC");
        jvm.set_text("sun.gc.lastCause", "No GC");
    }
    std::unique_ptr<Collector> made() {
        VmSight vm = sight();
        vm.full_gcs_allowed = allowed;
        return std::move(make_shenandoah(vm).value());
    }
    void expect_never_asked(const char* because) {
        const auto collector = made();
        EXPECT_EQ(collector->lever_rule(), &plan_soft_maximum);
        EXPECT_THAT(collector->would_help(), HasSubstr(because));
        EXPECT_EQ(collector->heap().collect_fully().error().code, ErrorCode::unsupported);
        EXPECT_EQ(jni.runtime.collections, 0);
    }

    int allowed = 3;
};

TEST_F(ShenandoahTest, IsAskedForAConcurrentCycleWhereTheOperatorAllowsIt) {
    const auto collector = made();
    ASSERT_TRUE(collector->can_balloon()) << collector->can_balloon().error().message;
    EXPECT_EQ(collector->lever_rule(), &plan_asked_cycles);
    EXPECT_EQ(collector->would_help(), "");
    EXPECT_TRUE(collector->heap().collect_fully());
    EXPECT_EQ(jni.runtime.collections, 1);
}

TEST_F(ShenandoahTest, IsAskedForNothingWithoutAWordFromTheOperatorAndSaysWhatWouldHelp) {
    allowed = 0;
    expect_never_asked("full-gcs=N");
}

TEST_F(ShenandoahTest, IsNotAskedWhereItWouldCollectFullyOrNotAtAll) {
    jvm.set_flag("ExplicitGCInvokesConcurrent", 0, FakeHotspot::Origin::command_line);
    expect_never_asked("-XX:-ExplicitGCInvokesConcurrent");
    jvm.set_flag("ExplicitGCInvokesConcurrent", 1);
    jvm.set_flag("DisableExplicitGC", 1, FakeHotspot::Origin::command_line);
    expect_never_asked("-XX:+DisableExplicitGC");
}

TEST_F(ShenandoahTest, ThatMayShrinkIsDrivenByItsSoftMaximumAlone) {
    jvm.set_flag("MinHeapSize", 8 << 20);
    expect_never_asked("");
    EXPECT_EQ(made()->would_help(), "");
}

}  // namespace
}  // namespace aerostat::agent
