#include "host-controller/backend/measure_pool.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/unit/host-controller/guest_reports.h"

namespace aerostat::host {
namespace {

TEST(MeasurePool, AnswersEachQuestionWithAMeasurementBegunAfterIt) {
    asio::io_context loop;
    std::atomic<std::uint64_t> measured{0};
    MeasurePool pool(loop, [&](const GuestId&, Look) {
        return Result<GuestResidency>(GuestResidency{Bytes(++measured), 1, 0});
    });
    std::vector<std::uint64_t> answers;
    const auto note = [&](const Result<GuestResidency>& seen) {
        answers.push_back(seen->charged.count());
        if (answers.size() == 3) loop.stop();
    };
    pool.ask(session(1), note);
    pool.ask(session(1), note);
    pool.ask(session(1), note);
    EXPECT_TRUE(pool.is_busy(session(1)));
    const auto work = asio::make_work_guard(loop);
    loop.run_for(10s);
    EXPECT_EQ(answers, (std::vector<std::uint64_t>{1, 2, 2}));
}

TEST(MeasurePool, OneForSeveralIsAsCloseAsTheOneThatWantsMost) {
    asio::io_context loop;
    MeasurePool pool(
        loop,
        [](const GuestId&, Look look) {
            return Result<GuestResidency>(GuestResidency{Bytes(look == Look::closely), 1, 0});
        },
        1);
    std::vector<std::uint64_t> answers;
    const auto note = [&](const Result<GuestResidency>& seen) {
        answers.push_back(seen->charged.count());
        if (answers.size() == 3) loop.stop();
    };
    pool.ask(session(1), note, Look::glance);
    pool.ask(session(1), note, Look::glance);
    pool.ask(session(1), note, Look::closely);
    const auto work = asio::make_work_guard(loop);
    loop.run_for(10s);
    EXPECT_EQ(answers, (std::vector<std::uint64_t>{0, 1, 1}));
}

TEST(MeasurePool, AMeasurementThatHangsTimesOutAndStopsNobodyElse) {
    asio::io_context loop;
    std::promise<void> release;
    const auto released = release.get_future().share();
    std::vector<std::string> answers;
    {
        MeasurePool pool(
            loop,
            [released](const GuestId& guest, Look) {
                if (guest == session(1)) released.wait();
                return Result<GuestResidency>(GuestResidency{1_MiB, 1, 0});
            },
            2, 50ms);
        pool.ask(session(1),
                 [&](const Result<GuestResidency>& seen) { answers.push_back(seen ? "measured" : "timed out"); });
        pool.ask(session(2),
                 [&](const Result<GuestResidency>& seen) { answers.push_back(seen ? "measured" : "timed out"); });
        const auto work = asio::make_work_guard(loop);
        while (answers.size() < 2 && loop.run_one_for(10s) > 0) {
        }
        EXPECT_EQ(answers, (std::vector<std::string>{"measured", "timed out"}));
        EXPECT_TRUE(pool.is_busy(session(1))) << "one outstanding a guest: the hung one is not asked again";
        release.set_value();
    }
}

}  // namespace
}  // namespace aerostat::host
