#include "jvm-agent/decide/background_budget.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

TEST(BackgroundBudget, IsChargedWithAllThatTheAgentCostsFromNowOn) {
    BackgroundBudget budget(0.05, 3s);
    EXPECT_TRUE(budget.may_work(kStart)) << "what it had cost before is over";
    budget.charge_own(3s + 200ms);
    EXPECT_TRUE(budget.may_work(kStart)) << "half of ten seconds' share is there from the first";
    budget.charge_own(3s + 400ms);
    EXPECT_FALSE(budget.may_work(kStart));
    EXPECT_TRUE(budget.may_work(kStart + budget.wait(kStart)));
}

TEST(BackgroundBudget, PaysForOneCycleOfItsOwnAndForNoneTwice) {
    for (const Duration marked : {100ms, 10'000ms}) {
        BackgroundBudget budget(0.1, 0s);
        EXPECT_TRUE(budget.may_work(kStart));
        budget.cycle_begins(5s);
        EXPECT_TRUE(budget.owes_cycle());
        budget.charge_cycle(5s + marked);
        budget.charge_cycle(50s);
        EXPECT_FALSE(budget.owes_cycle());
        EXPECT_TRUE(budget.may_work(kStart)) << "a program that marks all the time must not stop everything";
        budget.charge_own(450ms);
        EXPECT_FALSE(budget.may_work(kStart));
    }
}

}  // namespace
}  // namespace aerostat::agent
