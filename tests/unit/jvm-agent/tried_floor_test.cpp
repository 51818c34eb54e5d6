#include "jvm-agent/decide/tried_floor.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr TimePoint kNow{std::chrono::hours(1)};

TEST(TriedFloor, IsUnknownUntilSomebodyHasTried) {
    const TriedFloor floor;
    EXPECT_FALSE(floor.value(kNow));
    EXPECT_FALSE(floor.is_reached(300_MiB, 0_B, 1_MiB, kNow));
}

TEST(TriedFloor, IsBelievedForAWhileAndLongerWhenATryFindsTheSame) {
    TriedFloor floor;
    TimePoint now = kNow;
    Duration last{};
    for (int i = 0; i < 8; ++i) {
        floor.remember(i % 2 == 0 ? 300_MiB : 310_MiB, 150_MiB, now);
        Duration held{};
        for (; floor.value(now); now += 1s) held += 1s;
        EXPECT_GE(held, last);
        EXPECT_LE(held, 10min);
        last = held;
    }
    EXPECT_EQ(last, 10min);
    floor.remember(600_MiB, 150_MiB, now);
    EXPECT_FALSE(floor.value(now + 30s)) << "something else was found";
}

TEST(TriedFloor, IsBelievedNoLongerThanTheReasonForItAndThatConfirmsNothing) {
    TriedFloor floor;
    floor.remember(300_MiB, 150_MiB, kNow, 12s);
    EXPECT_TRUE(floor.value(kNow + 11s));
    EXPECT_FALSE(floor.value(kNow + 12s));
    floor.remember(300_MiB, 150_MiB, kNow, 5min);
    EXPECT_FALSE(floor.value(kNow + 30s));
}

TEST(TriedFloor, IsWithdrawnWhenLessIsAliveButNotByNoise) {
    TriedFloor floor;
    floor.remember(300_MiB, 150_MiB, kNow);
    floor.observe(300_MiB, 140_MiB, kNow);
    EXPECT_EQ(floor.value(kNow), 300_MiB);
    floor.observe(300_MiB, 400_MiB, kNow);
    EXPECT_EQ(floor.value(kNow), 300_MiB);
    floor.observe(300_MiB, 100_MiB, kNow);
    EXPECT_FALSE(floor.value(kNow));
}

TEST(TriedFloor, EndsWhenTheProgramFallsSilentAndIsFoundAgain) {
    TriedFloor floor;
    floor.observe(300_MiB, 150_MiB, kNow);
    floor.remember(300_MiB, 150_MiB, kNow);
    floor.observe(300_MiB, std::nullopt, kNow + 20s);
    EXPECT_FALSE(floor.value(kNow + 21s)) << "what is alive may have died";
    EXPECT_FALSE(floor.is_reached(300_MiB, 100_MiB, 1_MiB, kNow + 21s));
    floor.remember(305_MiB, 150_MiB, kNow + 30s);
    floor.observe(305_MiB, std::nullopt, kNow + 31s);
    EXPECT_EQ(floor.value(kNow + 89s), 305_MiB) << "the second try found the same";
}

// Its cycle has shown what is alive; a silent program is as silent as before it.
TEST(TriedFloor, IsNotEndedByTheSilenceAfterTheTry) {
    TriedFloor floor;
    floor.observe(300_MiB, std::nullopt, kNow);
    floor.remember(300_MiB, 150_MiB, kNow);
    floor.observe(300_MiB, 150_MiB, kNow + 1s);
    floor.observe(300_MiB, std::nullopt, kNow + 5s);
    EXPECT_EQ(floor.value(kNow + 29s), 300_MiB) << "else each order would be tried again";
    floor.observe(300_MiB, 150_MiB, kNow + 20s);
    floor.observe(300_MiB, std::nullopt, kNow + 24s);
    EXPECT_FALSE(floor.value(kNow + 25s)) << "it has worked since";
}

TEST(TriedFloor, OfAProgramOfWhichNothingIsKnownIsBelieved) {
    TriedFloor floor;
    floor.observe(300_MiB, std::nullopt, kNow);
    floor.remember(300_MiB, 150_MiB, kNow);
    floor.observe(300_MiB, std::nullopt, kNow);
    EXPECT_EQ(floor.value(kNow + 1s), 300_MiB) << "else each order would be tried again";
}

TEST(TriedFloor, FollowsAHeapThatIsSmallerThanWasThoughtPossible) {
    TriedFloor floor;
    floor.remember(300_MiB, 150_MiB, kNow);
    floor.observe(250_MiB, 150_MiB, kNow);
    floor.observe(280_MiB, 150_MiB, kNow);
    EXPECT_EQ(floor.value(kNow), 250_MiB);
}

TEST(TriedFloor, ItIsTheSameTryOnlyFromWhereItEnded) {
    TriedFloor floor;
    floor.remember(300_MiB, 150_MiB, kNow);
    EXPECT_TRUE(floor.is_reached(305_MiB, 100_MiB, 1_MiB, kNow));
    EXPECT_TRUE(floor.is_reached(305_MiB, 299_MiB, 1_MiB, kNow));
    EXPECT_FALSE(floor.is_reached(600_MiB, 100_MiB, 1_MiB, kNow)) << "it has grown, and can be brought down again";
    EXPECT_FALSE(floor.is_reached(305_MiB, 100_MiB, 1_MiB, kNow + 30s));
}

TEST(TriedFloor, WhatWasToBeHadIsNeverRefused) {
    TriedFloor floor;
    floor.remember(10_GiB, 8_GiB, kNow);
    EXPECT_FALSE(floor.is_reached(11_GiB, 10_GiB + 100_MiB, 4_MiB, kNow));
    EXPECT_FALSE(floor.is_reached(10_GiB + 10_MiB, 10_GiB, 4_MiB, kNow)) << "no less than it was brought to";
    EXPECT_FALSE(floor.is_reached(10_GiB + 100_MiB, 5_GiB, 4_MiB, kNow)) << "100 MiB are to be had";
    EXPECT_TRUE(floor.is_reached(10_GiB + 10_MiB, 5_GiB, 4_MiB, kNow));
}

TEST(TriedFloor, HoweverLongItIsBelievedNoOrderIsAnsweredByItAMinuteAfterTheLastTry) {
    TriedFloor floor;
    TimePoint now = kNow;
    for (int i = 0; i < 6; ++i) floor.remember(300_MiB, 150_MiB, now += 5min);
    EXPECT_TRUE(floor.is_reached(305_MiB, 100_MiB, 1_MiB, now + 59s));
    EXPECT_FALSE(floor.is_reached(305_MiB, 100_MiB, 1_MiB, now + 60s));
    EXPECT_EQ(floor.value(now + 60s), 300_MiB);
}

}  // namespace
}  // namespace aerostat::agent
