#include "guest-balloon/decide/condition.h"

#include <gtest/gtest.h>

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A guest of 10 GiB whose figures the test sets, looked at twice a second.
class ConditionTest : public ::testing::Test {
protected:
    ManualClock clock;
    ConditionFacts facts;
    ConditionMemory memory;

    void SetUp() override {
        facts.total = 10_GiB;
        facts.available = 8_GiB;
        facts.psi_some_avg10 = 0;
        facts.psi_full_avg10 = 0;
    }
    Condition look(Duration after = milliseconds(500)) {
        clock.advance(after);
        return decide_condition(facts, memory, clock.now());
    }
    ConditionLevel level_after(Duration time) {
        ConditionLevel level = memory.level;
        for (Duration passed{}; passed < time; passed += milliseconds(500)) level = look().level;
        return level;
    }
};

TEST_F(ConditionTest, APlentifulGuestIsAskedForNothing) {
    const Condition condition = look();
    EXPECT_EQ(condition.level, ConditionLevel::ample);
    EXPECT_EQ(condition.available, 8_GiB);
    EXPECT_TRUE(condition.suggested_release.is_zero());
    EXPECT_FALSE(condition.deadline);
}

TEST_F(ConditionTest, LevelsFollowTheRoomThatIsLeft) {
    for (const auto& [room, level] : {std::pair{1100_MiB, ConditionLevel::ample},
                                      {900_MiB, ConditionLevel::advisory},
                                      {400_MiB, ConditionLevel::tight},
                                      {150_MiB, ConditionLevel::critical}}) {
        memory = ConditionMemory{};
        facts.available = room;
        EXPECT_EQ(look().level, level) << room.count();
    }
}

TEST_F(ConditionTest, LevelsFollowStallsAlsoWhereThereSeemsToBeRoom) {
    for (const auto& [some, level] : {std::pair{0.9, ConditionLevel::ample},
                                      {1.0, ConditionLevel::advisory},
                                      {5.0, ConditionLevel::tight},
                                      {20.0, ConditionLevel::critical}}) {
        memory = ConditionMemory{};
        facts.psi_some_avg10 = some;
        EXPECT_EQ(look().level, level) << some;
    }
    facts.psi_some_avg10 = 0;
    facts.psi_full_avg10 = 10;
    EXPECT_EQ(look().level, ConditionLevel::critical);
}

TEST_F(ConditionTest, ASmallGuestIsNotTightForever) {
    facts.total = 512_MiB;
    facts.available = 200_MiB;
    EXPECT_EQ(look().level, ConditionLevel::ample);
    facts.available = 60_MiB;
    EXPECT_EQ(look().level, ConditionLevel::tight);
}

TEST_F(ConditionTest, ALevelRisesAtOnceAndFallsAfterFiveCalmSeconds) {
    look();
    facts.available = 400_MiB;
    EXPECT_EQ(look(milliseconds(1)).level, ConditionLevel::tight);
    facts.available = 8_GiB;
    EXPECT_EQ(level_after(milliseconds(4500)), ConditionLevel::tight);
    EXPECT_EQ(level_after(seconds(2)), ConditionLevel::ample);
}

TEST_F(ConditionTest, ALevelDoesNotFlutterAroundItsThreshold) {
    facts.available = 500_MiB;
    look();
    ASSERT_EQ(memory.level, ConditionLevel::tight) << "of 10 GiB 512 MiB is the threshold";
    for (int i = 0; i < 100; ++i) {
        facts.available = i % 2 == 0 ? 520_MiB : 500_MiB;
        EXPECT_EQ(look().level, ConditionLevel::tight);
    }
    facts.available = 620_MiB;  // above the threshold, below what leaving takes
    EXPECT_EQ(level_after(seconds(30)), ConditionLevel::tight);
    facts.available = 660_MiB;
    EXPECT_EQ(level_after(seconds(7)), ConditionLevel::advisory);
}

TEST_F(ConditionTest, ASetbackStartsTheCalmAnew) {
    facts.available = 400_MiB;
    look();
    facts.available = 8_GiB;
    level_after(seconds(4));
    facts.available = 400_MiB;
    look();
    facts.available = 8_GiB;
    EXPECT_EQ(level_after(seconds(4)), ConditionLevel::tight);
}

TEST_F(ConditionTest, DistressOfAJvmMakesItTight) {
    facts.in_distress = true;
    EXPECT_EQ(look().level, ConditionLevel::tight);
}

TEST_F(ConditionTest, AHostInTroubleAsksEarly) {
    facts.has_host = true;
    facts.host.level = ConditionLevel::tight;
    EXPECT_EQ(look().level, ConditionLevel::advisory);
    facts.host.level = ConditionLevel::critical;
    const Condition condition = look();
    EXPECT_EQ(condition.level, ConditionLevel::tight);
    EXPECT_GE(condition.suggested_release, 204_MiB) << "two percent of the guest, though nothing is missing here";
}

TEST_F(ConditionTest, WhatIsSuggestedLeadsBackToAmple) {
    facts.available = 400_MiB;
    const Condition before = look();
    facts.available = *before.available + before.suggested_release;
    EXPECT_EQ(level_after(seconds(10)), ConditionLevel::ample);
}

TEST_F(ConditionTest, ADeadlineStandsUntilItHasPassed) {
    facts.available = 400_MiB;
    const auto first = look().deadline;
    ASSERT_TRUE(first);
    EXPECT_EQ(*first - clock.now(), seconds(10));
    EXPECT_EQ(look(seconds(9)).deadline, first);
    EXPECT_GT(*look(seconds(1)).deadline, clock.now());
    facts.available = 100_MiB;
    const auto urgent = look().deadline;
    EXPECT_EQ(*urgent - clock.now(), seconds(2)) << "critical has its own";
}

TEST_F(ConditionTest, AvailableLeavesOutWhatSomebodyUsesAndWhatIsAboutToGo) {
    facts.cache_in_use = 3_GiB;
    EXPECT_EQ(takeable(facts), 5_GiB);
    facts.about_to_be_taken = 1_GiB;
    EXPECT_EQ(takeable(facts), 4_GiB) << "1 GiB is about to be taken by the host";
    facts.guest_target = 2_GiB;
    EXPECT_EQ(takeable(facts), 4_GiB) << "what the plan leaves is told, and takes nothing by itself";
    facts.available.reset();
    EXPECT_FALSE(takeable(facts));
}

TEST_F(ConditionTest, AGuestFullOfFilesIsNotShort) {
    facts.cache_in_use = 8_GiB;
    const Condition condition = look();
    EXPECT_EQ(condition.available, 0_B) << "but whoever takes more makes somebody read again";
    EXPECT_EQ(condition.level, ConditionLevel::ample);
}

TEST_F(ConditionTest, WhatTheHostIsAboutToTakeCounts) {
    facts.available = 1200_MiB;
    facts.about_to_be_taken = 1_GiB;
    EXPECT_EQ(look().level, ConditionLevel::critical) << "176 MiB are left then";
}

TEST_F(ConditionTest, TheTrendIsThatOfTheAvailableBytes) {
    EXPECT_EQ(look().trend, ConditionTrend::steady);
    for (int i = 0; i < 20; ++i) {
        facts.available = saturating_sub(*facts.available, 100_MiB);
        look();
    }
    EXPECT_EQ(memory.trend, ConditionTrend::falling);
    for (int i = 0; i < 200; ++i) look();
    EXPECT_EQ(memory.trend, ConditionTrend::steady);
    facts.available = *facts.available + 500_MiB;
    EXPECT_EQ(look().trend, ConditionTrend::rising);
}

TEST_F(ConditionTest, NothingKnownIsNotZero) {
    facts = ConditionFacts{};
    const Condition condition = look();
    EXPECT_EQ(condition.level, ConditionLevel::ample);
    const ConditionState record = condition_record(condition, 7, seconds(5), clock.now());
    EXPECT_EQ(record.available_bytes, kConditionUnknown);
    EXPECT_EQ(record.guest_total_bytes, kConditionUnknown);
    EXPECT_EQ(record.guest_target_bytes, kConditionUnknown);
    EXPECT_EQ(record.host_level, kConditionLevelUnknown);
    EXPECT_EQ(record.validity, static_cast<std::uint32_t>(ConditionValidity::no_host));
    EXPECT_LT(record.host_price, 0);
    EXPECT_LT(record.psi_some_avg10, 0);
    EXPECT_EQ(record.deadline_ns, kConditionNoDeadline);
}

TEST_F(ConditionTest, ThePageTellsOfTheHostWhatTheHostShares) {
    facts.has_host = true;
    const auto record = [&] { return condition_record(look(), 7, seconds(5), clock.now()); };
    EXPECT_EQ(record().host_shares, static_cast<std::uint32_t>(ConditionShare::none));
    facts.host.level = ConditionLevel::advisory;
    EXPECT_EQ(record().host_shares, static_cast<std::uint32_t>(ConditionShare::level));
    EXPECT_LT(record().host_price, 0);
    facts.host.price = 0.25;
    EXPECT_EQ(record().host_shares, static_cast<std::uint32_t>(ConditionShare::full));
    EXPECT_EQ(record().host_price, 0.25);
    EXPECT_EQ(record().validity, static_cast<std::uint32_t>(ConditionValidity::valid));
    facts.has_host = false;
    EXPECT_EQ(record().host_level, kConditionLevelUnknown) << "a silent host's word is not repeated";
}

TEST_F(ConditionTest, OnlyWhatIsNoticeableIsNews) {
    const ConditionState before = condition_record(look(), 7, seconds(5), clock.now());
    ConditionState after = before;
    after.updated_ns += 1;
    after.available_bytes += 1 << 20U;
    EXPECT_EQ(condition_news(before, after), ConditionNews::nothing);
    after.available_bytes += 200U << 20U;
    EXPECT_EQ(condition_news(before, after), ConditionNews::figures);
    after.level = 2;
    EXPECT_EQ(condition_news(before, after), ConditionNews::level);
    after = before;
    after.session = 8;
    EXPECT_EQ(condition_news(before, after), ConditionNews::level);
}

}  // namespace
}  // namespace aerostat::guest
