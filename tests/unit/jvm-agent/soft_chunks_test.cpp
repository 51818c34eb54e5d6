#include "tests/unit/jvm-agent/soft_chunks_fixture.h"

// How long a chunk lives, and what is done to it meanwhile.
namespace aerostat::agent {
namespace {

TEST_F(SoftChunksTest, AChunkLivesUntilItIsDropped) {
    const Chunk chunk = inflate();
    jni.collect();
    EXPECT_EQ(jni.arrays().size(), 1U);
    EXPECT_FALSE(chunks().is_cleared(chunk));
    EXPECT_EQ(jni.local_references(), 0U) << "none of them would ever end on the agent's thread";
    EXPECT_EQ(jni.global_references(), 1U) << "softly is the only way it is held";
    chunks().drop(chunk);
    jni.collect();
    EXPECT_TRUE(jni.arrays().empty());
    EXPECT_EQ(jni.soft_references(), 0U);
}

TEST_F(SoftChunksTest, TheCollectorCanTakeAChunkAtAnyTime) {
    const Chunk chunk = inflate();
    EXPECT_EQ(jni.clear_soft_references(), 1);
    EXPECT_TRUE(chunks().is_cleared(chunk));
    chunks().forget(chunk);
    expect_no_trace();
}

TEST_F(SoftChunksTest, KeepingAChunkAliveNeverLoadsIt) {
    jni.set_soft_clock(17);
    const Chunk chunk = inflate();
    auto* const soft = static_cast<jobject>(chunk.soft_reference);
    EXPECT_EQ(jni.timestamp_of(soft), 17);
    jni.set_soft_clock(4711);
    chunks().keep_alive(chunk);
    EXPECT_FALSE(chunks().is_cleared(chunk));
    static_cast<void>(chunks().resident(chunk));
    EXPECT_EQ(jni.timestamp_of(soft), 4711);
    EXPECT_EQ(jni.referents_loaded(), 0) << "a loaded referent is strong for the collector";
    chunks().drop(chunk);
    EXPECT_EQ(jni.referents_loaded(), 0);
}

TEST_F(SoftChunksTest, PagesThatCameBackAreReleasedAgain) {
    Chunk chunk = inflate();
    memory.fill(chunk.pages, FakeJni::kElement);  // as a heap dump or a moving collector would
    EXPECT_EQ(chunks().resident(chunk), chunk.pages.size());
    EXPECT_TRUE(chunks().release_again(chunk).value());
    EXPECT_EQ(chunks().resident(chunk), 0_B);
    EXPECT_EQ(jni.local_references(), 0U) << "the strong handle was for that moment only";
    chunks().drop(chunk);
}

TEST_F(SoftChunksTest, AClearedChunkIsNotTouchedAgain) {
    Chunk chunk = inflate();
    jni.clear_soft_references();
    jni.collect();
    memory.fill(memory.range(), FakeJavaMemory::kNeighbour);  // the program's by now
    const int sections = jni.sections();
    EXPECT_FALSE(chunks().release_again(chunk).value());
    EXPECT_EQ(jni.sections(), sections);
    expect_nothing_released();
    chunks().forget(chunk);
}

TEST_F(SoftChunksTest, AChunkThatCannotBeReleasedAgainIsStillHeld) {
    Chunk chunk = inflate();
    const AddressRange pages = chunk.pages;
    jni.refuse("GetPrimitiveArrayCritical");
    EXPECT_EQ(chunks().release_again(chunk).error().code, ErrorCode::refused);
    EXPECT_EQ(chunk.pages, pages);
    EXPECT_FALSE(chunks().is_cleared(chunk));
    EXPECT_EQ(jni.local_references(), 0U);
    chunks().drop(chunk);
}

TEST_F(SoftChunksTest, JavaCodeThatThrowsLeavesNoExceptionPending) {
    Chunk chunk = inflate();
    jni.refuse("refersTo");
    EXPECT_FALSE(chunks().is_cleared(chunk));
    EXPECT_TRUE(jni.was_refused() && !jni.exception_is_pending());
    jni.refuse("get");
    EXPECT_FALSE(chunks().release_again(chunk).value());
    EXPECT_TRUE(jni.was_refused() && !jni.exception_is_pending());
    jni.refuse("clear");
    chunks().drop(chunk);
    EXPECT_TRUE(jni.was_refused());
    expect_no_trace();
}

TEST_F(SoftChunksTest, AnotherSoftReferenceThanExpectedIsSaidSo) {
    for (const char* lookup : {"FindClass", "lookup of <init>", "lookup of clear", "lookup of get", "lookup of refersTo",
                               "lookup of timestamp", "lookup of clock"}) {
        jni.refuse(lookup);
        const auto none = SoftChunks::make(jni.env(), rules);
        ASSERT_FALSE(none) << lookup;
        EXPECT_EQ(none.error().code, ErrorCode::unsupported) << lookup;
        EXPECT_TRUE(jni.was_refused()) << lookup;
        expect_no_trace();
    }
}

}  // namespace
}  // namespace aerostat::agent
