#include "tests/unit/jvm-agent/cycle_heap_fixture.h"

namespace aerostat::agent {
namespace {

TEST_F(RuntimeHeapTest, TellsTheThreeNumbersOfOneMoment) {
    const RuntimeHeap heap(jni.env());
    EXPECT_EQ(heap.max(), 2_GiB);
    EXPECT_EQ(heap.sizes().committed, 1_GiB);
    EXPECT_EQ(heap.sizes().used, 724_MiB);
    int asked = 0;
    jni.runtime.between = [&] {  // a collection shrinks the heap between the two questions
        if (++asked != 1) return;
        jni.runtime.total = 512_MiB;
        jni.runtime.free = 400_MiB;
    };
    const HeapSizes shrunk = heap.sizes();
    EXPECT_EQ(shrunk.committed, 512_MiB);
    EXPECT_EQ(shrunk.used, 112_MiB);
    EXPECT_EQ(jni.local_references(), 0U);
}

TEST_F(RuntimeHeapTest, CollectsWhenAskedAndSaysWhenJavaDidNot) {
    const RuntimeHeap heap(jni.env());
    EXPECT_TRUE(heap.collect());
    EXPECT_EQ(jni.runtime.collections, 1);
    jni.refuse("gc");
    EXPECT_EQ(heap.collect().error().code, ErrorCode::refused);
    EXPECT_FALSE(jni.exception_is_pending());
    EXPECT_EQ(jni.runtime.collections, 1);
}

TEST_F(RuntimeHeapTest, ANumberThatThrowsIsNothingAndLeavesNoException) {
    const RuntimeHeap heap(jni.env());
    jni.refuse("maxMemory");
    EXPECT_EQ(heap.max(), 0_B);
    EXPECT_FALSE(jni.exception_is_pending());
    EXPECT_EQ(heap.max(), 2_GiB);
}

TEST_F(RuntimeHeapTest, WithoutARuntimeTellsNothingAndCollectsNothing) {
    for (const char* step : {"FindClass", "lookup of getRuntime", "getRuntime", "lookup of gc", "NewGlobalRef"}) {
        jni.refuse(step);
        const RuntimeHeap heap(jni.env());
        EXPECT_TRUE(jni.was_refused()) << step;
        EXPECT_FALSE(jni.exception_is_pending()) << step;
        EXPECT_EQ(jni.local_references(), 0U) << step;
        EXPECT_EQ(heap.max() + heap.sizes().committed, 0_B) << step;
        EXPECT_EQ(heap.collect().error().code, ErrorCode::unsupported) << step;
    }
}

}  // namespace
}  // namespace aerostat::agent
