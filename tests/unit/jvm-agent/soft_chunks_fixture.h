#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "jvm-agent/jvm/soft_chunks.h"
#include "tests/support/fake_jni.h"

namespace aerostat::agent {

using namespace literals;
using procfs::AddressRange;
using testing::FakeJavaMemory;
using testing::FakeJni;

inline constexpr Bytes kHeap = 32_MiB;
inline constexpr Bytes kRegion = 1_MiB;
inline constexpr unsigned char kReleased = 0;

/// What a test changes of a JVM in which all is well.
struct Setting {
    FakeJavaMemory::Kind kind = FakeJavaMemory::Kind::anonymous;
    Bytes chunk = kRegion;
    bool may_move = false;
};

/// Chunks in a heap of real memory whose JVM is the test's.
class SoftChunksTest : public ::testing::Test {
protected:
    explicit SoftChunksTest(Setting setting = {})
        : memory(setting.kind, kHeap), jni(memory, [](const std::string& what) { ADD_FAILURE() << what; }) {
        rules.heap = {memory.range()};
        rules.chunk = setting.chunk;
        rules.page = FakeJavaMemory::page();
        rules.shared = setting.kind == FakeJavaMemory::Kind::shared;
        rules.may_move = setting.may_move;
    }
    SoftChunks& chunks() {
        if (!made) {
            auto made_now = SoftChunks::make(jni.env(), rules);
            if (!made_now) throw std::runtime_error(made_now.error().message);
            made = std::move(*made_now);
        }
        return *made;
    }
    Chunk inflate() {
        auto chunk = chunks().inflate();
        if (!chunk) throw std::runtime_error(chunk.error().message);
        return *chunk;
    }
    /// Pages of the youngest array that hold nothing but its elements.
    AddressRange inner_pages() {
        const AddressRange payload = jni.arrays().back().payload;
        const auto page = rules.page.count();
        return {(payload.begin + page - 1) / page * page, payload.end / page * page};
    }
    /// Exactly `released` reads as zero; the elements around it and the rest of the heap are as they were.
    void expect_only_released(AddressRange released, AddressRange payload) {
        EXPECT_TRUE(FakeJavaMemory::is_all(released, kReleased));
        EXPECT_TRUE(FakeJavaMemory::is_all({payload.begin, released.begin}, FakeJni::kElement));
        EXPECT_TRUE(FakeJavaMemory::is_all({released.end, payload.end}, FakeJni::kElement));
        EXPECT_TRUE(FakeJavaMemory::is_all({memory.range().begin, payload.begin}, FakeJavaMemory::kNeighbour));
        EXPECT_TRUE(FakeJavaMemory::is_all({payload.end, memory.range().end}, FakeJavaMemory::kNeighbour));
    }
    /// No page is gone, so nothing was written to either: what is released is not there.
    void expect_nothing_released() { EXPECT_EQ(FakeJavaMemory::resident(memory.range()), kHeap); }
    /// An order that failed has left nothing behind but an array for the collector.
    void expect_no_trace() {
        EXPECT_FALSE(jni.exception_is_pending());
        EXPECT_EQ(jni.local_references(), 0U);
        EXPECT_EQ(jni.global_references(), 0U);
        jni.collect();
        EXPECT_TRUE(jni.arrays().empty());
        EXPECT_EQ(jni.soft_references(), 0U);
    }

    FakeJavaMemory memory;
    FakeJni jni;
    ReleaseRules rules;
    std::unique_ptr<SoftChunks> made;
};

}  // namespace aerostat::agent
