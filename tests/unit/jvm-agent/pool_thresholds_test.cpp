#include "jvm-agent/jvm/pool_thresholds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_hotspot.h"
#include "tests/support/fake_jni.h"

namespace aerostat::agent {
namespace {

using namespace literals;
using aerostat::testing::FakeHotspot;
using aerostat::testing::FakeJavaMemory;
using aerostat::testing::FakeJni;

class PoolThresholdsTest : public ::testing::Test {
protected:
    void load_pools() { jni.loaded_classes.insert("sun.management.MemoryPoolImpl"); }

    FakeHotspot hotspot;  // what makes this program look like libjvm.so
    FakeJavaMemory memory{FakeJavaMemory::Kind::anonymous, 1_MiB};
    FakeJni jni{memory, [](const std::string& complaint) { ADD_FAILURE() << complaint; }};
    PoolThresholds thresholds{jni.env()};
};

TEST_F(PoolThresholdsTest, NothingIsLoadedWhereTheProgramHasNoPools) {
    jni.lowest_threshold = 1;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(thresholds.lowest(), 0_B);
    EXPECT_TRUE(jni.defined_classes.empty());
    EXPECT_EQ(jni.local_references(), 0U);
}

TEST_F(PoolThresholdsTest, FollowsWhatTheProgramSetsAndTakesAway) {
    EXPECT_EQ(thresholds.lowest(), 0_B);
    load_pools();
    EXPECT_EQ(thresholds.lowest(), 0_B);
    jni.lowest_threshold = 512 << 20;
    EXPECT_EQ(thresholds.lowest(), 512_MiB);
    jni.lowest_threshold = 0;
    EXPECT_EQ(thresholds.lowest(), 0_B);
    EXPECT_EQ(jni.threshold_questions, 3);
    EXPECT_THAT(jni.defined_classes, ::testing::ElementsAre("org/aerostat/agent/Thresholds"));
    EXPECT_EQ(jni.local_references(), 0U);
}

TEST_F(PoolThresholdsTest, WhatCannotBeAskedIsNotKnownAndIsNotTriedForEver) {
    load_pools();
    jni.lowest_threshold = 512 << 20;
    jni.refuse("DefineClass");
    EXPECT_EQ(thresholds.lowest(), std::nullopt);
    EXPECT_EQ(thresholds.lowest(), std::nullopt);
    EXPECT_TRUE(jni.was_refused());
    EXPECT_FALSE(jni.exception_is_pending());
    EXPECT_TRUE(jni.defined_classes.empty());
}

TEST_F(PoolThresholdsTest, AQuestionThatFailsOnceIsAskedAgain) {
    load_pools();
    jni.lowest_threshold = 512 << 20;
    jni.refuse("lowest");
    EXPECT_EQ(thresholds.lowest(), std::nullopt) << "not: none";
    EXPECT_FALSE(jni.exception_is_pending());
    EXPECT_EQ(thresholds.lowest(), 512_MiB);
    jni.lowest_threshold = 256 << 20;
    jni.refuse("lowest");
    EXPECT_EQ(thresholds.lowest(), 512_MiB) << "as last answered";
    EXPECT_EQ(thresholds.lowest(), 256_MiB);
}

TEST_F(PoolThresholdsTest, NonsenseIsNoThreshold) {
    load_pools();
    jni.lowest_threshold = -5;
    EXPECT_EQ(thresholds.lowest(), 0_B);
}

}  // namespace
}  // namespace aerostat::agent
