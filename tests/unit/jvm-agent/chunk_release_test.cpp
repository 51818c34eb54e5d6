#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/unit/jvm-agent/soft_chunks_fixture.h"

// Which pages of a new chunk are given back, and which never.
namespace aerostat::agent {
namespace {

constexpr Bytes kWide = 10_MiB;  ///< a chunk of several slices
constexpr Bytes kSlice = 4_MiB;  ///< no critical section may release more

/// Each kind of memory, and with arrays that stay and that may move.
class ReleaseTest : public SoftChunksTest, public ::testing::WithParamInterface<std::tuple<FakeJavaMemory::Kind, bool>> {
protected:
    ReleaseTest() : SoftChunksTest({std::get<0>(GetParam()), kRegion, std::get<1>(GetParam())}) {}
};
std::string kind_name(const ::testing::TestParamInfo<std::tuple<FakeJavaMemory::Kind, bool>>& tested) {
    const bool shared = std::get<0>(tested.param) == FakeJavaMemory::Kind::shared;
    return std::string(shared ? "Shared" : "Anonymous") + (std::get<1>(tested.param) ? "MayMove" : "Stays");
}
INSTANTIATE_TEST_SUITE_P(OfAllKinds, ReleaseTest,
                         ::testing::Combine(::testing::Values(FakeJavaMemory::Kind::anonymous, FakeJavaMemory::Kind::shared),
                                            ::testing::Bool()),
                         &kind_name);

TEST_P(ReleaseTest, ReleasesJustTheWholePagesInsideTheArray) {
    for (const Bytes into_page : {0_B, 8_B, 4080_B, 2048_B}) {
        memory.fill(memory.range(), FakeJavaMemory::kNeighbour);
        jni.place_next_array(memory.at(3_MiB + into_page));
        const Chunk chunk = inflate();
        const AddressRange payload = jni.arrays().back().payload;
        EXPECT_EQ(chunk.pages, inner_pages()) << into_page.count();
        EXPECT_EQ(chunks().resident(chunk), 0_B);
        EXPECT_EQ(FakeJavaMemory::resident(memory.range()) + chunk.pages.size(), kHeap);
        expect_only_released(chunk.pages, payload);
        chunks().drop(chunk);
        jni.collect();
    }
}

TEST_P(ReleaseTest, AChunkFillsItsRegionAndNoMore) {
    const Chunk chunk = inflate();
    const AddressRange payload = jni.arrays().back().payload;
    EXPECT_LE(payload.size() + Bytes(FakeJni::kHeader), kRegion);
    EXPECT_GE(payload.size() + 64_B, kRegion);
    chunks().drop(chunk);
}

TEST_P(ReleaseTest, InWholeHugePagesWhereThereAreSome) {
    rules.page = 256_KiB;
    jni.place_next_array(memory.at(4_MiB));
    const Chunk chunk = inflate();
    EXPECT_EQ(chunk.pages, inner_pages());
    EXPECT_EQ(chunk.pages.begin % rules.page.count(), 0U);
    EXPECT_GE(chunk.pages.size(), 512_KiB);
    expect_only_released(chunk.pages, jni.arrays().back().payload);
    chunks().drop(chunk);
}

TEST_P(ReleaseTest, AnArrayWithoutAWholePageIsAChunkOfNothing) {
    rules.page = 2_MiB;
    jni.place_next_array(memory.at(4_MiB));
    const Chunk chunk = inflate();
    EXPECT_EQ(chunk.pages.size(), 0_B);
    EXPECT_EQ(chunks().resident(chunk), 0_B);
    expect_nothing_released();
    chunks().drop(chunk);
}

/// Memory that is free and has no pages.
void punch(AddressRange part, bool shared) {
    ASSERT_EQ(madvise(reinterpret_cast<void*>(part.begin), part.end - part.begin, shared ? MADV_REMOVE : MADV_DONTNEED), 0);
}

TEST_P(ReleaseTest, FaultsInWhatComesNextInARowAndNothingWhereThereIsNoRow) {
    const AddressRange ahead{memory.at(8_MiB + 64_KiB), memory.at(8_MiB + 960_KiB)};
    const AddressRange far{memory.at(17_MiB), memory.at(31_MiB)};
    punch({memory.at(8_MiB), memory.at(9_MiB)}, rules.shared);
    punch(far, rules.shared);
    std::vector<Chunk> held;
    for (const Bytes at : {2_MiB, 3_MiB, 4_MiB, 5_MiB, 6_MiB, 7_MiB}) {
        EXPECT_EQ(FakeJavaMemory::resident(ahead), 0_B) << "too early";
        jni.place_next_array(memory.at(at));
        held.push_back(inflate());
    }
    jni.place_next_array(memory.at(16_MiB));  // not where the row led
    held.push_back(inflate());
    EXPECT_EQ(FakeJavaMemory::resident(ahead), ahead.size());
    EXPECT_TRUE(FakeJavaMemory::is_all(ahead, kReleased)) << "faulted in, and not written to";
    jni.place_next_array(memory.at(12_MiB));
    held.push_back(inflate());
    EXPECT_EQ(FakeJavaMemory::resident(far), 0_B);
    for (const Chunk& chunk : held) chunks().drop(chunk);
}

TEST_P(ReleaseTest, ARowThatLeadsOutOfTheHeapIsNotFollowed) {
    std::vector<Chunk> held;
    const AddressRange beyond{memory.at(8_MiB), memory.at(9_MiB)};
    punch(beyond, rules.shared);
    rules.heap = {{memory.at(0_B), beyond.begin}};
    for (const Bytes at : {2_MiB, 3_MiB, 4_MiB, 5_MiB, 6_MiB, 7_MiB}) {
        jni.place_next_array(memory.at(at));
        held.push_back(inflate());
    }
    jni.place_next_array(memory.at(1_MiB));
    held.push_back(inflate());
    EXPECT_EQ(FakeJavaMemory::resident(beyond), 0_B);
    for (const Chunk& chunk : held) chunks().drop(chunk);
}

TEST_P(ReleaseTest, CopiesAreNeverTakenForArrays) {
    jni.hand_out_copies();
    const auto chunk = chunks().inflate();
    ASSERT_FALSE(chunk);
    EXPECT_EQ(chunk.error().code, ErrorCode::unsupported);
    EXPECT_THAT(chunk.error().message, ::testing::HasSubstr("-Xcheck:jni"));
    expect_nothing_released();
    expect_no_trace();
}

TEST_P(ReleaseTest, AnArrayThatSticksOutOfTheHeapIsNotTouched) {
    rules.heap = {{memory.range().begin, memory.at(8_MiB)}, {memory.at(16_MiB), memory.at(24_MiB)}};
    for (const Bytes at : {8188_KiB, 16320_KiB, 24064_KiB, 28_MiB}) {
        jni.place_next_array(memory.at(at));
        EXPECT_EQ(chunks().inflate().error().code, ErrorCode::unsupported) << format_bytes(at);
        expect_nothing_released();
        expect_no_trace();
    }
    jni.place_next_array(memory.at(24_MiB) - kRegion.count());
    chunks().drop(inflate());
}

TEST_P(ReleaseTest, FileBackedPartsAreNotTouched) {
    rules.not_ours = {{memory.at(4_MiB), memory.at(5_MiB)}};
    for (const Bytes at : {3_MiB + 4_KiB, 4_MiB, 5119_KiB}) {
        jni.place_next_array(memory.at(at));
        const auto chunk = chunks().inflate();
        ASSERT_FALSE(chunk) << format_bytes(at);
        EXPECT_EQ(chunk.error().code, ErrorCode::unsupported);
        EXPECT_THAT(chunk.error().message, ::testing::HasSubstr("file-backed"));
        expect_nothing_released();
        expect_no_trace();
    }
    jni.place_next_array(memory.at(5_MiB));
    chunks().drop(inflate());
}

TEST_P(ReleaseTest, MemoryThatTheProgramLocksLaterIsNotTouchedAndSaidToBe) {
    const AddressRange wide{memory.at(2_MiB), memory.at(2_MiB) + kRegion.count()};
    // Under sanitizers mlock() itself does nothing.
    ASSERT_EQ(syscall(SYS_mlock, wide.begin, wide.size().count()), 0) << "the limit for locked memory is below 1 MiB";
    jni.place_next_array(wide.begin);
    const auto chunk = chunks().inflate();
    ASSERT_FALSE(chunk);
    EXPECT_EQ(chunk.error().code, ErrorCode::denied);
    EXPECT_THAT(chunk.error().message, ::testing::HasSubstr("locked in memory"));
    expect_nothing_released();
    expect_no_trace();
}

TEST_P(ReleaseTest, WhateverTheJvmRefusesLeavesNoTrace) {
    for (const char* function : {"NewLongArray", "NewObject", "GetPrimitiveArrayCritical", "NewGlobalRef"}) {
        static_cast<void>(chunks());  // its own global reference is not what is refused
        jni.refuse(function);
        const auto chunk = chunks().inflate();
        ASSERT_FALSE(chunk) << function;
        EXPECT_EQ(chunk.error().code, ErrorCode::refused) << function;
        EXPECT_FALSE(chunk.error().message.empty());
        EXPECT_TRUE(jni.was_refused()) << function << " was not called";
        expect_no_trace();
    }
}

class SharedTest : public SoftChunksTest {
protected:
    SharedTest() : SoftChunksTest({FakeJavaMemory::Kind::shared, kWide, true}) {}
};

TEST_F(SharedTest, HolesArePunchedIntoTheFile) {
    const Bytes before = memory.file_blocks();
    const Chunk chunk = inflate();
    EXPECT_EQ(memory.file_blocks() + chunk.pages.size(), before);
    EXPECT_GT(chunk.pages.size() + 16_KiB, kWide);
    chunks().drop(chunk);
}

TEST_F(SharedTest, AnAdviceForPrivateMemoryWouldGiveNothingBack) {
    rules.shared = false;  // what a wrong guess about the heap would cost: nothing is lost, nothing is gained
    const Bytes before = memory.file_blocks();
    const Chunk chunk = inflate();
    EXPECT_EQ(memory.file_blocks(), before);
    EXPECT_TRUE(FakeJavaMemory::is_all(chunk.pages, FakeJni::kElement));
    chunks().drop(chunk);
}

class SlicesTest : public SoftChunksTest {
protected:
    SlicesTest() : SoftChunksTest({FakeJavaMemory::Kind::anonymous, kWide, true}) {}
};

TEST_F(SlicesTest, NoSectionReleasesMoreThanASlice) {
    std::vector<Bytes> left{kHeap};
    jni.at_section_end([&](const FakeJni::Array&) { left.push_back(FakeJavaMemory::resident(memory.range())); });
    const Chunk chunk = inflate();
    ASSERT_EQ(left.size(), 4U) << "10 MiB are three slices";
    for (std::size_t i = 1; i < left.size(); ++i) EXPECT_LE(left[i - 1], left[i] + kSlice);
    EXPECT_EQ(left.back() + chunk.pages.size(), kHeap) << "all of it is released inside of sections";
    chunks().drop(chunk);
}

TEST_F(SlicesTest, WhereArraysStayTheSectionOnlyReadsTheAddress) {
    rules.may_move = false;
    Bytes left;
    jni.at_section_end([&](const FakeJni::Array&) { left = FakeJavaMemory::resident(memory.range()); });
    const Chunk chunk = inflate();
    EXPECT_EQ(jni.sections(), 1);
    EXPECT_EQ(left, kHeap) << "nothing was released while it was open";
    EXPECT_EQ(jni.lengths_asked_inside(), 0);
    chunks().drop(chunk);
}

TEST_F(SlicesTest, AnArrayThatMovedBetweenTwoIsReleasedWhereItIsAndNowhereElse) {
    for (const int slices : {1, 2}) {
        memory.fill(memory.range(), FakeJavaMemory::kNeighbour);
        jni.place_next_array(memory.at(1_MiB));
        jni.move_array_after(slices, memory.at(16_MiB + 24_B));
        const Chunk chunk = inflate();
        const AddressRange payload = jni.arrays().back().payload;
        EXPECT_TRUE(payload.contains(memory.at(20_MiB))) << "it did not move";
        EXPECT_EQ(chunk.pages, inner_pages());
        EXPECT_EQ(chunks().resident(chunk), 0_B);
        expect_only_released(chunk.pages, payload);  // its old place belongs to others by now
        chunks().drop(chunk);
        jni.collect();
    }
}

TEST_F(SlicesTest, AnArrayThatMovedOntoForeignMemoryIsLetGo) {
    rules.not_ours = {{memory.at(16_MiB), memory.at(32_MiB)}};
    jni.place_next_array(memory.at(1_MiB));
    jni.move_array_after(1, memory.at(16_MiB + 24_B));
    EXPECT_EQ(chunks().inflate().error().code, ErrorCode::unsupported);
    EXPECT_EQ(FakeJavaMemory::resident({memory.at(16_MiB), memory.at(32_MiB)}), 16_MiB);
    expect_no_trace();
}

TEST_F(SlicesTest, AnAddressThatIsRefusedHalfwayEndsItWithoutATrace) {
    jni.refuse("GetPrimitiveArrayCritical", 1);
    EXPECT_EQ(chunks().inflate().error().code, ErrorCode::refused);
    EXPECT_EQ(jni.sections(), 1);
    expect_no_trace();
}

TEST_F(SlicesTest, AChunkThatMovedIsReleasedWhereItLiesNow) {
    jni.place_next_array(memory.at(1_MiB));
    jni.move_array_after(3, memory.at(16_MiB));
    Chunk chunk = inflate();
    const AddressRange old = chunk.pages;
    ASSERT_FALSE(jni.arrays().back().payload.contains(old.begin)) << "it did not move";
    EXPECT_TRUE(chunks().release_again(chunk).value());
    EXPECT_EQ(chunk.pages, inner_pages());
    EXPECT_EQ(chunks().resident(chunk), 0_B);
    EXPECT_TRUE(FakeJavaMemory::is_all(old, FakeJavaMemory::kNeighbour));
    chunks().drop(chunk);
}

}  // namespace
}  // namespace aerostat::agent
