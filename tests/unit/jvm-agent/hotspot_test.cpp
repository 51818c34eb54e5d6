#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/hotspot_flags.h"
#include "jvm-agent/jvm/perf_counters.h"
#include "tests/support/fake_hotspot.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using testing::FakeHotspot;
using ::testing::HasSubstr;

TEST(HotspotTables, WithoutAJvmAreEmptyAndSaidSo) {
    const auto none = HotspotTables::open();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::unsupported);
}

TEST(HotspotTables, TellStaticFieldsByAddressAndOthersByOffset) {
    FakeHotspot jvm;
    const auto tables = HotspotTables::open().value();
    EXPECT_TRUE(tables.static_field("Universe", "_collectedHeap"));
    EXPECT_FALSE(tables.offset("Universe", "_collectedHeap"));
    EXPECT_EQ(tables.offset("MemRegion", "_word_size"), sizeof(void*));
    EXPECT_FALSE(tables.static_field("MemRegion", "_word_size"));
    EXPECT_FALSE(tables.offset("MemRegion", "_unheard_of"));
    EXPECT_TRUE(tables.size_of("JVMFlag"));
    EXPECT_FALSE(tables.size_of("Universe"));
}

TEST(HotspotFlags, TellValuesAndWhoSetThem) {
    FakeHotspot jvm;
    jvm.set_flag("MaxHeapSize", 1 << 30, FakeHotspot::Origin::ergonomic);
    jvm.set_flag("UseG1GC", 1, FakeHotspot::Origin::command_line);
    const auto flags = HotspotFlags::open(HotspotTables::open().value()).value();
    EXPECT_EQ(flags.read("MaxHeapSize"), (FlagState{1 << 30, false}));
    EXPECT_EQ(flags.read("UseG1GC"), (FlagState{1, true}));
    EXPECT_EQ(flags.bytes("MaxHeapSize"), 1_GiB);
    EXPECT_FALSE(flags.read("UseZGC"));
    EXPECT_FALSE(flags.is_on("UseZGC"));
    jvm.set_flag("MaxHeapSize", -1);
    EXPECT_EQ(flags.bytes("MaxHeapSize"), 0_B) << "a flag is read when it is asked for, and none is less than nothing";
}

// JVMFlag's types for numbers of GCTimeRatio's kind, and one of another.
constexpr int kBool = 0, kUint = 2, kUintx = 4;

/// A JVM with GCTimeRatio=12 where the test keeps it.
class StoredFlag : public ::testing::Test {
protected:
    StoredFlag() {
        jvm_.set_flag("MaxHeapSize", 1 << 30);
        jvm_.set_flag("GCTimeRatio", 0);
        jvm_.set_flag("G1ReservePercent", 10);
        place(kUintx);
    }
    void place(int type) { jvm_.place_flag("GCTimeRatio", &ratio_, type); }
    [[nodiscard]] static Status store(const std::string& name, std::int64_t value) {
        return HotspotFlags::open(HotspotTables::open().value()).value().store({name, value});
    }

    FakeHotspot jvm_;
    std::uint64_t ratio_ = 12;
};

TEST_F(StoredFlag, IsTheOneThatTheJvmReadsAnewAndNoOther) {
    ASSERT_TRUE(store("GCTimeRatio", 1));
    EXPECT_EQ(ratio_, 1U);
    for (const std::int64_t wrong : {0, -1, 100}) EXPECT_EQ(store("GCTimeRatio", wrong).error().code, ErrorCode::refused);
    for (const char* const other : {"G1ReservePercent", "MaxHeapSize", "Unheard"})
        EXPECT_EQ(store(other, 5).error().code, ErrorCode::refused);
    EXPECT_EQ(ratio_, 1U);
}

TEST_F(StoredFlag, OfFourBytesLeavesItsNeighboursAlone) {
    ratio_ = 0xdead'beef'0000'000cU;
    place(kUint);
    ASSERT_TRUE(store("GCTimeRatio", 1));
    EXPECT_EQ(ratio_, 0xdead'beef'0000'0001U);
}

TEST_F(StoredFlag, IsLeftAloneWhereItIsNotAsExpected) {
    place(kBool);
    EXPECT_EQ(store("GCTimeRatio", 2).error().code, ErrorCode::unsupported);
    place(kUintx);
    ratio_ = 1 << 20;
    EXPECT_EQ(store("GCTimeRatio", 2).error().code, ErrorCode::unsupported) << "that is no ratio";
    static const std::uint64_t constant = 12;
    jvm_.place_flag("GCTimeRatio", &constant, kUintx);
    EXPECT_THAT(store("GCTimeRatio", 2).error().message, HasSubstr("own data"));
    EXPECT_EQ(constant, 12U);
}

TEST(HotspotFlags, WithoutTheHeapsSizeAreNotTrusted) {
    FakeHotspot jvm;
    jvm.set_flag("UseG1GC", 1);
    EXPECT_THAT(HotspotFlags::open(HotspotTables::open().value()).error().message, HasSubstr("not as expected"));
    jvm.hide("JVMFlag", "_type");
    EXPECT_THAT(HotspotFlags::open(HotspotTables::open().value()).error().message, HasSubstr("does not describe"));
}

TEST(PerfCounters, AreFoundByNameAndReadWhenAsked) {
    FakeHotspot jvm;
    jvm.counter("sun.gc.collector.0.invocations") = 7;
    jvm.set_text("sun.gc.cause", "No GC");
    const auto counters = PerfCounters::open(HotspotTables::open().value());
    const PerfCounter young = counters.find("sun.gc.collector.0.invocations");
    EXPECT_EQ(young.read(), 7U);
    jvm.counter("sun.gc.collector.0.invocations") = 8;
    EXPECT_EQ(young.read(), 8U);
    const PerfText cause = counters.find_text("sun.gc.cause");
    EXPECT_TRUE(cause.equals("No GC"));
    EXPECT_FALSE(cause.equals("No GCs"));
    EXPECT_FALSE(cause.equals("No"));
    jvm.set_text("sun.gc.cause", "Allocation Stall");
    EXPECT_TRUE(cause.equals("Allocation Stall"));
    EXPECT_FALSE(cause.equals(std::string(1000, 'x')));
}

TEST(PerfCounters, OfAnotherTypeOrNameAreAbsent) {
    FakeHotspot jvm;
    jvm.counter("a.number") = 1;
    jvm.set_text("a.text", "text");
    const auto counters = PerfCounters::open(HotspotTables::open().value());
    EXPECT_FALSE(counters.find("a.text").read());
    EXPECT_FALSE(counters.find_text("a.number").is_there());
    EXPECT_FALSE(counters.find("a.num").read());
    EXPECT_FALSE(counters.find("").read());
    jvm.take_counters_away();
    EXPECT_FALSE(PerfCounters::open(HotspotTables::open().value()).find("a.number").read());
}

TEST(HeapReservation, IsWhereTheJvmSaysIfThatCanBe) {
    FakeHotspot jvm;
    jvm.reserve({0x1000'0000, 0x5000'0000});
    const auto tables = HotspotTables::open().value();
    EXPECT_EQ(find_heap_reservation(tables, 1_GiB).value(), (procfs::AddressRange{0x1000'0000, 0x5000'0000}));
    EXPECT_THAT(find_heap_reservation(tables, 2_GiB).error().message, HasSubstr("not plausible"));
    jvm.reserve({0, 0x4000'0000});
    EXPECT_THAT(find_heap_reservation(tables, 0_B).error().message, HasSubstr("not plausible"));
    jvm.take_heap_away();
    EXPECT_THAT(find_heap_reservation(tables, 0_B).error().message, HasSubstr("no heap yet"));
    jvm.hide("MemRegion", "_start");
    EXPECT_THAT(find_heap_reservation(tables, 0_B).error().message, HasSubstr("does not describe"));
}

}  // namespace
}  // namespace aerostat::agent
