#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jvm-agent/jvm/refill_reserve.h"
#include "tests/support/fake_root.h"
#include "tests/unit/jvm-agent/collector_fixture.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using testing::FakeHotspot;
using testing::FakeJavaMemory;
using ::testing::HasSubstr;

constexpr Bytes kOld = 40_MiB;
constexpr Bytes kChunk = 2_MiB;

class StopTheWorldTest : public CollectorTest {
protected:
    StopTheWorldTest() {
        jvm.set_flag("MinHeapSize", 8 << 20);
        jvm.set_flag("UseAdaptiveSizePolicy", 1);
        jvm.counter("sun.gc.collector.0.invocations") = 7;
        jvm.counter("sun.gc.collector.1.invocations") = 1;
        jvm.counter("sun.gc.generation.1.maxCapacity") = kOld.count();
        jvm.counter("sun.gc.generation.1.space.0.used") = (10_MiB).count();
    }
    std::unique_ptr<Collector> made(Result<std::unique_ptr<Collector>> (*make)(const VmSight&)) {
        VmSight vm = sight();
        vm.full_gcs_allowed = full_gcs;
        vm.refill_reserve = reserve;
        return std::move(make(vm).value());
    }

    int full_gcs = 0;
    Bytes reserve;
};

TEST_F(StopTheWorldTest, WithoutAWordFromTheOperatorTheyAreReportedOnly) {
    for (const auto make : {&make_serial, &make_parallel}) {
        const auto collector = made(make);
        EXPECT_FALSE(collector->can_balloon());
        EXPECT_FALSE(collector->can_hold_chunks());
        EXPECT_FALSE(collector->heap().observe().old);
        EXPECT_EQ(collector->heap().observe().used, 14_MiB);
    }
}

TEST_F(StopTheWorldTest, AReserveAllowsChunksInTheOldGeneration) {
    reserve = 16_MiB;
    for (const auto make : {&make_serial, &make_parallel}) {
        const auto collector = made(make);
        ASSERT_TRUE(collector->can_hold_chunks()) << collector->can_hold_chunks().error().message;
        EXPECT_EQ(collector->chunks().chunk_size(), kChunk);
        const HeapFacts facts = collector->heap().observe();
        EXPECT_EQ(facts.region, kChunk);
        ASSERT_TRUE(facts.old);
        EXPECT_EQ(facts.old->free, 30_MiB);
        EXPECT_EQ(facts.old->promoted, 0_B);
        EXPECT_LE(facts.old->reserve, 16_MiB);
    }
}

TEST_F(StopTheWorldTest, PromotionsAreLearntFromWhatTheOldGenerationHolds) {
    reserve = 16_MiB;
    const auto collector = made(&make_serial);
    static_cast<void>(collector->heap().observe());
    jvm.counter("sun.gc.collector.0.invocations") = 8;
    jvm.counter("sun.gc.generation.1.space.0.used") = (13_MiB).count();
    EXPECT_EQ(collector->heap().observe().old->promoted, 3_MiB);
    EXPECT_EQ(collector->heap().observe().old->free, 27_MiB);
}

TEST_F(StopTheWorldTest, WhatACollectionLeftIsToldByItWhateverWasAllocatedSince) {
    const auto collector = made(&make_parallel);
    static_cast<void>(collector->heap().observe());
    signals.finished = 1;
    EXPECT_EQ(collector->heap().observe().used_after_gc, 14_MiB) << "nothing tells: what is used now";
    jvm.counter("sun.gc.generation.0.space.1.used") = 0;
    jvm.counter("sun.gc.generation.0.space.2.used") = (1_MiB).count();
    jvm.counter("sun.gc.generation.1.capacity") = (40_MiB).count();
    const auto told = made(&make_parallel);
    EXPECT_EQ(told->heap().observe().old_committed, 40_MiB);
    EXPECT_EQ(told->heap().observe().used_after_gc, 11_MiB);
    reserve = 16_MiB;
    EXPECT_EQ(made(&make_parallel)->heap().observe().used_after_gc, 13_MiB) << "a chunk may have been born since";
}

TEST_F(StopTheWorldTest, AChunkIsSettledWhereTheOldGenerationOfItsCollectorLies) {
    reserve = 16_MiB;
    const auto parallel = made(&make_parallel);
    const auto serial = made(&make_serial);
    for (const auto& [place, in_parallels, in_serials] :
         {std::tuple{1_MiB, true, false}, {30_MiB, true, true}, {50_MiB, false, true}}) {
        jni.place_next_array(memory.at(place));
        const auto chunk = parallel->chunks().inflate();
        ASSERT_TRUE(chunk);
        EXPECT_EQ(parallel->chunks().is_settled(*chunk), in_parallels) << place.count();
        EXPECT_EQ(serial->chunks().is_settled(*chunk), in_serials) << place.count();
        parallel->chunks().drop(*chunk);
    }
}

TEST_F(StopTheWorldTest, EachChunkIsReleasedInOneSection) {
    jvm.set_flag("MaxHeapSize", 1LL << 30);  // chunks of 8 MiB, which others release in slices
    reserve = 16_MiB;
    jvm.reserve({memory.range().begin, memory.range().begin + (1_GiB).count()});
    const auto collector = made(&make_parallel);
    ASSERT_TRUE(collector->can_hold_chunks()) << collector->can_hold_chunks().error().message;
    ASSERT_EQ(collector->chunks().chunk_size(), 8_MiB);
    const auto chunk = collector->chunks().inflate();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(jni.sections(), 1);
    EXPECT_EQ(FakeJavaMemory::resident(chunk->pages), 0_B);
    collector->chunks().drop(*chunk);
}

TEST_F(StopTheWorldTest, SerialShrinksInFullCollectionsThatAreAllowed) {
    full_gcs = 3;
    const auto collector = made(&make_serial);
    EXPECT_TRUE(collector->can_balloon());
    EXPECT_THAT(collector->can_hold_chunks().error().message, HasSubstr("refill-reserve"));
    EXPECT_EQ(collector->lever_rule(), &plan_full_collections);
    jvm.set_flag("DisableExplicitGC", 1, FakeHotspot::Origin::command_line);
    EXPECT_THAT(made(&make_serial)->can_balloon().error().message, HasSubstr("DisableExplicitGC"));
    reserve = 16_MiB;
    EXPECT_EQ(made(&make_serial)->lever_rule(), &plan_no_levers) << "chunks do without";
    EXPECT_TRUE(made(&make_serial)->can_balloon());
}

TEST_F(StopTheWorldTest, ParallelShrinksOnlyWhereItWasStartedToResizeThen) {
    full_gcs = 3;
    EXPECT_THAT(made(&make_parallel)->can_balloon().error().message, HasSubstr("UseAdaptiveSizePolicyWithSystemGC"));
    jvm.set_flag("UseAdaptiveSizePolicyWithSystemGC", 1, FakeHotspot::Origin::command_line);
    EXPECT_TRUE(made(&make_parallel)->can_balloon());
    EXPECT_EQ(made(&make_parallel)->lever_rule(), &plan_full_collections);
    full_gcs = 0;
    EXPECT_THAT(made(&make_parallel)->can_balloon().error().message, HasSubstr("full-gcs=0"));
}

TEST_F(StopTheWorldTest, AHeapOfOneSizeIsNotCollectedForNothing) {
    full_gcs = 3;
    jvm.set_flag("MinHeapSize", static_cast<std::int64_t>(kHeap.count()));
    EXPECT_THAT(made(&make_serial)->can_balloon().error().message, HasSubstr("-Xms equal to -Xmx"));
    reserve = 16_MiB;
    EXPECT_TRUE(made(&make_serial)->can_hold_chunks()) << "chunks do without";
    EXPECT_EQ(made(&make_serial)->lever_rule(), &plan_no_levers);
}

TEST_F(StopTheWorldTest, AChunkWhoseAllocationCausedACollectionIsReleasedLater) {
    reserve = 16_MiB;
    const auto collector = made(&make_parallel);
    ChunkPort& chunks = collector->chunks();
    jni.at_allocation = [this] { ++signals.finished; };
    jni.place_next_array(memory.at(1_MiB));
    auto chunk = chunks.inflate();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(jni.sections(), 0);
    EXPECT_FALSE(chunks.is_settled(*chunk));
    EXPECT_EQ(chunks.resident(*chunk), 0_B);
    EXPECT_TRUE(chunks.release_again(*chunk).value());
    EXPECT_TRUE(chunks.is_settled(*chunk));
    EXPECT_EQ(jni.sections(), 1);
    chunks.drop(*chunk);
}

TEST_F(StopTheWorldTest, WhatForbidsABalloonElsewhereForbidsItHere) {
    reserve = 16_MiB;
    jvm.set_flag("SoftRefLRUPolicyMSPerMB", 0);
    EXPECT_THAT(made(&make_parallel)->can_balloon().error().message, HasSubstr("SoftRefLRUPolicyMSPerMB"));
    jvm.set_flag("SoftRefLRUPolicyMSPerMB", 1000);
    jvm.set_flag("AlwaysPreTouch", 1);
    EXPECT_THAT(made(&make_parallel)->can_balloon().error().message, HasSubstr("AlwaysPreTouch"));
}

TEST_F(StopTheWorldTest, AJvmThatDoesNotTellOfItsOldGenerationGetsNoChunks) {
    reserve = 16_MiB;
    jvm.counter("sun.gc.generation.1.maxCapacity") = 0;
    EXPECT_THAT(made(&make_serial)->can_balloon().error().message, HasSubstr("old generation"));
    jvm.take_counters_away();
    EXPECT_FALSE(made(&make_serial)->can_balloon());
}

TEST(RefillReserve, IsNeverMoreThanTheMachineHasNow) {
    const auto could_be_given = memory_that_could_be_given();
    ASSERT_TRUE(could_be_given) << could_be_given.error().message;
    RefillReserve all(1_GiB * 1024 * 1024);
    EXPECT_GT(all.now(), 0_B);
    EXPECT_LE(all.now(), *could_be_given) << "a part of it is left alone";
    RefillReserve none(0_B);
    EXPECT_EQ(none.now(), 0_B);
    RefillReserve little(1_MiB);
    EXPECT_EQ(little.now(), 1_MiB);
}

/// A machine that could give 8 GiB, and a process in a cgroup of the second version.
class RefillCgroupTest : public ::testing::Test {
protected:
    explicit RefillCgroupTest(const std::string& path = "/service/worker", const std::string& mounted = "/") {
        root.write("/proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 8388608 kB\nMemAvailable: 8388608 kB\n");
        root.write("/proc/self/cgroup", "0::" + path + "\n");
        root.write("/proc/self/mountinfo", "31 23 0:28 " + mounted + " /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        root.write("/sys/fs/cgroup/cgroup.procs", "");
    }
    testing::FakeRoot root;
};

TEST_F(RefillCgroupTest, TheNearestCgroupThatAccountsMemoryCounts) {
    root.write("/sys/fs/cgroup/service/worker/cgroup.procs", "");  // no memory controller down there
    root.write("/sys/fs/cgroup/service/memory.current", std::to_string((300_MiB).count()));
    root.write("/sys/fs/cgroup/service/memory.max", std::to_string((1_GiB).count()));
    EXPECT_EQ(memory_that_could_be_given(root.path).value(), 724_MiB);
}

TEST_F(RefillCgroupTest, ACgroupThatCannotBeSeenMayHaveNothingLeft) {
    EXPECT_EQ(memory_that_could_be_given(root.path).error().code, ErrorCode::denied) << "its folder is not there";
    root.write("/proc/self/mountinfo", "");
    EXPECT_EQ(memory_that_could_be_given(root.path).error().code, ErrorCode::denied) << "nothing is mounted";
    root.write("/proc/self/cgroup", "0::/../neighbour\n");
    root.write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    EXPECT_EQ(memory_that_could_be_given(root.path).error().code, ErrorCode::denied) << "outside of the namespace";
}

TEST_F(RefillCgroupTest, OutsideOfAllCgroupsTheMachineIsAllThereIs) {
    root.write("/proc/self/cgroup", "0::/\n");
    EXPECT_EQ(memory_that_could_be_given(root.path).value(), 8_GiB);
}

}  // namespace
}  // namespace aerostat::agent
