#include "application-balloon/host/app/punch_orders.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "application-balloon/host/app/punch_desk.h"
#include "tests/support/loop.h"

namespace aerostat::balloon::host {
namespace {

using aerostat::testing::run_until;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kHangs = "0c3a4bd6-11d2-4a39-bd6c-0d5a2f6f3a01";
const std::string kWell = "0c3a4bd6-11d2-4a39-bd6c-0d5a2f6f3a02";

/// Both QEMUs; the first answers nothing until it is let go. Owned by whoever is stuck in it.
class Qemus {
public:
    void work_on(const std::string& domain) {
        if (domain == kHangs) let_go_.wait();
        ++done;
    }
    void let_go() { hang_.set_value(); }
    std::atomic<int> done = 0;

private:
    std::promise<void> hang_;
    std::shared_future<void> let_go_ = hang_.get_future().share();
};

class PunchOrdersTest : public ::testing::Test {
protected:
    PunchOrders make() {
        return {loop,
                {[qemus = qemus](const PunchRequest& request) {
                     return std::visit(
                         [&](const auto& one) -> PunchAnswer {
                             qemus->work_on(one.domain);
                             return Punched{one.id, {}, {}, 0, 0, {}, {}};
                         },
                         request);
                 },
                 [this] { return noted; },
                 [qemus = qemus](const std::string& domain) {
                     qemus->work_on(domain);
                     return true;
                 }},
                clock};
    }
    [[nodiscard]] std::string punch_line(RequestId id, const std::string& domain, Duration within) const {
        std::string line = line_of(PunchRequest(PunchOrder{id, clock.now() + within, domain, {}, {{5}}}));
        line.pop_back();
        return line;
    }
    LineDoor::Reply note() {
        return [this](const std::string& answer) { answers.push_back(answer); };
    }

    asio::io_context loop;
    SystemClock clock;
    std::shared_ptr<Qemus> qemus = std::make_shared<Qemus>();
    std::vector<std::string> noted;
    std::vector<std::string> answers;
};

TEST_F(PunchOrdersTest, AQemuThatHangsKeepsNoOtherWaiting) {
    PunchOrders orders = make();
    ASSERT_TRUE(orders.take(punch_line(1, kHangs, 60s), note()));
    ASSERT_TRUE(orders.take(punch_line(2, kWell, 60s), note()));
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 1; }));
    EXPECT_THAT(answers[0], HasSubstr("punched 2 "));
    qemus->let_go();
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 2; }));
    EXPECT_THAT(answers[1], HasSubstr("punched 1 "));
    EXPECT_TRUE(orders.is_idle());
}

TEST_F(PunchOrdersTest, AnOrderThatWasAnsweredAtItsDeadlineIsUnderWayUntilItReturns) {
    PunchOrders orders = make();
    ASSERT_TRUE(orders.take(punch_line(1, kHangs, -1s), note()));
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 1; }));
    EXPECT_FALSE(orders.is_idle());
    qemus->let_go();
    EXPECT_TRUE(run_until(loop, [&] { return orders.is_idle(); }));
}

TEST_F(PunchOrdersTest, AnOrderThatWaitedBeyondItsTimeIsAnsweredAndNeverCarriedOut) {
    PunchOrders orders = make();
    ASSERT_TRUE(orders.take(punch_line(1, kHangs, 60s), note()));
    ASSERT_TRUE(orders.take(punch_line(2, kHangs, -1s), note()));
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 1; }));
    EXPECT_THAT(answers[0], HasSubstr("refused 2 timed-out "));
    qemus->let_go();
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 2; }));
    ASSERT_TRUE(orders.take("look 3 " + kHangs, note()));
    ASSERT_TRUE(run_until(loop, [this] { return answers.size() == 3; }));
    EXPECT_EQ(qemus->done, 2) << "the first and the third";
}

TEST_F(PunchOrdersTest, DomainsLeftStoppedGoOnEachByItself) {
    noted = {kHangs, kWell};
    PunchOrders orders = make();
    orders.mend();
    orders.mend();
    ASSERT_TRUE(run_until(loop, [this] { return qemus->done == 1; }));
    noted = {kHangs};
    orders.mend();
    qemus->let_go();
    ASSERT_TRUE(run_until(loop, [this] { return qemus->done == 2; }));
    EXPECT_TRUE(answers.empty());
}

TEST_F(PunchOrdersTest, WhatIsMalformedIsNoOrder) {
    PunchOrders orders = make();
    EXPECT_FALSE(orders.take("punch 1 " + kWell, note()));
    EXPECT_TRUE(answers.empty());
}

TEST(ThePunchDesk, FindsTheDomainsThatAreNoted) {
    const aerostat::testing::TemporaryDirectory directory;
    const SystemClock clock;
    const PunchDesk desk({"qemu:///system", directory.path()}, clock);
    EXPECT_TRUE(desk.left_behind().empty());
    for (const std::string& name : {"paused-" + kWell, "paused-" + kWell + "0", std::string("paused-"), kHangs})
        std::fclose(std::fopen((directory / name).c_str(), "w"));
    EXPECT_THAT(desk.left_behind(), ElementsAre(kWell));
    EXPECT_TRUE(desk.resume(kHangs)) << "not noted: nothing is to be done";
}

}  // namespace
}  // namespace aerostat::balloon::host
