#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "jvm-agent/jvm/cycle_heap.h"
#include "tests/support/fake_hotspot.h"
#include "tests/support/fake_jni.h"

namespace aerostat::agent {

using namespace literals;
using testing::FakeHotspot;
using testing::FakeJavaMemory;
using testing::FakeJni;

/// A JVM whose java.lang.Runtime says what the test likes.
class RuntimeHeapTest : public ::testing::Test {
protected:
    RuntimeHeapTest()
        : memory(FakeJavaMemory::Kind::anonymous, 1_MiB),
          jni(memory, [](const std::string& what) { ADD_FAILURE() << what; }) {
        jni.runtime.total = 1_GiB;
        jni.runtime.free = 300_MiB;
        jni.runtime.max = 2_GiB;
    }
    FakeJavaMemory memory;
    FakeJni jni;
};

/// One that also tells its collections, cycle by cycle.
class CycleHeapTest : public RuntimeHeapTest {
protected:
    CycleHeapTest() {
        jvm.set_flag("MaxHeapSize", 2LL << 30);
        jvm.set_flag("MinHeapSize", 8 << 20);
        jvm.set_flag("UsePerfData", 1);
        jvm.set_text("sun.gc.cause", "No GC");
        jvm.set_text("sun.gc.lastCause", "No GC");
        jvm.collections() = 40;  // before we came
        traits.chunk = 4_MiB;
        traits.stall_cause = "Allocation Stall";
        traits.headroom = 160_MiB;
        traits.measure = [] {
            procfs::Residency seen;
            seen.rss = 700_MiB;
            return Result<procfs::Residency>(seen);
        };
    }
    Result<std::unique_ptr<CycleHeap>> made() {
        VmSight vm;
        vm.env = jni.env();
        vm.tables = HotspotTables::open().value();
        vm.flags = HotspotFlags::open(vm.tables).value();
        vm.signals = &signals;
        return CycleHeap::make(vm, traits);
    }
    CycleHeap& heap() {
        if (!heap_) heap_ = std::move(made().value());
        return *heap_;
    }
    void begin_cycle(const char* cause = "Proactive") {
        jvm.set_text("sun.gc.cause", cause);
        ++jvm.collections();
    }
    void end_cycle(const char* cause = "Proactive") {
        jvm.set_text("sun.gc.cause", "No GC");
        jvm.set_text("sun.gc.lastCause", cause);
    }
    void pauses(int count) { signals.finished += static_cast<std::uint64_t>(count); }

    FakeHotspot jvm;
    GcSignals signals;
    CycleHeapTraits traits;

private:
    std::unique_ptr<CycleHeap> heap_;
};

}  // namespace aerostat::agent
