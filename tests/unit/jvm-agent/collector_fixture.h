#pragma once

#include <gtest/gtest.h>

#include <string>

#include "jvm-agent/jvm/collector.h"
#include "tests/support/fake_hotspot.h"
#include "tests/support/fake_jni.h"

namespace aerostat::agent {

/// A JVM on paper that a collector is made for: a heap of 64 MiB, of which 14 MiB are used.
class CollectorTest : public ::testing::Test {
protected:
    static constexpr Bytes kHeap{64ULL << 20};

    CollectorTest()
        : memory(testing::FakeJavaMemory::Kind::anonymous, kHeap),
          jni(memory, [](const std::string& what) { ADD_FAILURE() << what; }) {
        jni.runtime.total = jni.runtime.max = kHeap;
        jni.runtime.free = Bytes(50ULL << 20);
        jvm.reserve(memory.range());
        jvm.set_flag("MaxHeapSize", static_cast<std::int64_t>(kHeap.count()));
        jvm.set_flag("UsePerfData", 1);
        jvm.set_flag("SoftRefLRUPolicyMSPerMB", 1000);
    }
    /// What the agent sees of it.
    VmSight sight() {
        VmSight vm;
        vm.env = jni.env();
        vm.major_version = 17;
        vm.tables = HotspotTables::open().value();
        vm.flags = HotspotFlags::open(vm.tables).value();
        vm.signals = &signals;
        return vm;
    }

    testing::FakeJavaMemory memory;
    testing::FakeJni jni;
    testing::FakeHotspot jvm;
    GcSignals signals;
};

}  // namespace aerostat::agent
