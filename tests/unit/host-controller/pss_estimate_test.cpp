#include "host-controller/decide/pss_estimate.h"

#include <gtest/gtest.h>

namespace aerostat::host {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr TimePoint kNow{1h};

/// A JVM of 1 GiB, of which 30 MiB are libraries that others have mapped, too.
WalkedMemory a_jvm() { return {1_GiB + 30_MiB, 1_GiB, {1000_MiB, 54_MiB, 0_B, std::nullopt}, kNow}; }

/// One of ZGC before generations: its heap is mapped three times.
WalkedMemory a_jvm_with_a_heap_file() { return {100_MiB, 80_MiB, {60_MiB, 40_MiB, 1500_MiB, 500_MiB}, kNow}; }

TEST(PssSince, IsWhatWasWalkedWhileNothingMoves) {
    const WalkedMemory walked = a_jvm();
    EXPECT_EQ(pss_since(walked, walked.counted, kNow + 9s), 1_GiB);
}

TEST(PssSince, FollowsWhatMovesBothWays) {
    const WalkedMemory walked = a_jvm();
    EXPECT_EQ(pss_since(walked, {1020_MiB, 54_MiB, 0_B, std::nullopt}, kNow), 1_GiB + 20_MiB);
    EXPECT_EQ(pss_since(walked, {970_MiB, 50_MiB, 1_MiB, std::nullopt}, kNow), 991_MiB);
}

TEST(PssSince, MuchThatHasMovedIsWalked) {
    const WalkedMemory walked = a_jvm();
    EXPECT_FALSE(pss_since(walked, {900_MiB, 54_MiB, 0_B, std::nullopt}, kNow));
    EXPECT_FALSE(pss_since(walked, {1040_MiB, 14_MiB, 0_B, std::nullopt}, kNow)) << "both ways: the sum has not";
    EXPECT_FALSE(pss_since(walked, {1000_MiB, 54_MiB, 70_MiB, std::nullopt}, kNow));
}

TEST(PssSince, ASmallProcessMayMoveBySomeMebibytes) {
    const WalkedMemory walked{20_MiB, 15_MiB, {10_MiB, 10_MiB, 0_B, std::nullopt}, kNow};
    EXPECT_EQ(pss_since(walked, {20_MiB, 10_MiB, 0_B, std::nullopt}, kNow), 25_MiB);
    EXPECT_FALSE(pss_since(walked, {40_MiB, 10_MiB, 0_B, std::nullopt}, kNow));
}

TEST(PssSince, EverySomeSecondsAllIsWalked) {
    const WalkedMemory walked = a_jvm();
    EXPECT_FALSE(pss_since(walked, walked.counted, kNow + 10s));
}

TEST(PssSince, AProcessThatSharesMuchIsAlwaysWalked) {
    WalkedMemory walked = a_jvm();
    walked.rss = walked.pss + 100_MiB;
    EXPECT_FALSE(pss_since(walked, walked.counted, kNow));
}

TEST(PssSince, AHeapFileIsCountedByItsBlocksHoweverOftenItIsMapped) {
    const WalkedMemory walked = a_jvm_with_a_heap_file();
    EXPECT_EQ(pss_since(walked, walked.counted, kNow), 580_MiB);
    EXPECT_EQ(pss_since(walked, {62_MiB, 40_MiB, 400_MiB, 200_MiB}, kNow), 282_MiB);
}

TEST(PssSince, AHeapFileThatCameOrWentIsWalked) {
    const WalkedMemory with = a_jvm_with_a_heap_file();
    CountedMemory without = with.counted;
    without.heap_file.reset();
    EXPECT_FALSE(pss_since(with, without, kNow));
    EXPECT_FALSE(pss_since(a_jvm(), {1000_MiB, 54_MiB, 0_B, 1_MiB}, kNow));
}

}  // namespace
}  // namespace aerostat::host
