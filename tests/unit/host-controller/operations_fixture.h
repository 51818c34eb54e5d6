#pragma once

#include <gtest/gtest.h>

#include "host-controller/act/operations.h"
#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host::act {

using namespace host::testing;

/// Operations whose guests and measurements are the test's.
class OperationsTest : public ::testing::Test {
protected:
    OperationOrder squeeze(Millis deadline = Millis(5'000)) {
        OperationOrder order;
        order.command = "squeeze";
        order.guest = "session:1:1";
        order.target = "shop";
        order.layers = {{"heap", HeapTarget{100_MiB}, 150_MiB}};
        order.asked = 50_MiB;
        order.deadline = deadline;
        order.verify = true;
        return order;
    }
    std::string start(OperationOrder order) {
        return operations.start(std::move(order), [this](const EndedOperation& e) { ended.push_back(e); });
    }
    OperationResult result(const std::string& op, Bytes obtained, EndReason reason) {
        OperationResult one;
        one.op = op;
        one.asked = 50_MiB;
        one.obtained = obtained;
        one.shortfall = saturating_sub(50_MiB, obtained);
        one.reason = reason;
        JvmOutcome& heap = one.jvms.emplace_back();
        heap.jvm = "heap";
        heap.before = 150_MiB;
        heap.after = saturating_sub(150_MiB, obtained);
        heap.asked = 50_MiB;
        heap.obtained = obtained;
        return one;
    }
    static GuestReport report_of(const std::vector<std::string>& jvms) {
        GuestReport report;
        for (const std::string& jvm : jvms) report.jvms.emplace_back().name = jvm;
        return report;
    }
    void answer_measurement(std::optional<Bytes> pss) {
        ASSERT_FALSE(questions.empty());
        const auto answer = questions.front();
        questions.erase(questions.begin());
        answer(pss);
    }
    const Apply& sent(std::size_t i) { return std::get<Apply>(messages.at(i)); }

    ManualClock clock;
    bool reachable = true;
    std::vector<Message> messages;
    std::vector<std::function<void(std::optional<Bytes>)>> questions;
    std::vector<EndedOperation> ended;
    Operations operations{{.send =
                               [this](const GuestId&, Message message) {
                                   if (reachable) messages.push_back(std::move(message));
                                   return reachable;
                               },
                           .measure = [this](const GuestId&, auto answer) { questions.push_back(std::move(answer)); }},
                          clock};
};

}  // namespace aerostat::host::act
