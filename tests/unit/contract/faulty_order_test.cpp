#include "contract/faulty_order.h"

#include <gtest/gtest.h>

#include "contract/codec.h"

namespace aerostat {
namespace {

std::string order_for(const std::string& target) {
    return R"({"v":1,"type":"set_heap_target","id":"x","session":"s","op":"o","deadline_ms":5000,"target_bytes":)" + target +
           "}";
}

std::optional<OperationResult> answer_to(const std::string& line) {
    const auto decoded = decode_message(line);
    EXPECT_FALSE(decoded) << line;
    return decoded ? std::nullopt : answer_to_faulty_order(line, decoded.error());
}

TEST(FaultyOrder, IsAnsweredWithItsFault) {
    for (const char* target : {"-1", "-9223372036854775808", "-99999999999999999999", "18446744073709551615", "1e30", "0.5",
                               "\"1GiB\"", "null", "[]", "{}", "true"}) {
        const auto answer = answer_to(order_for(target));
        ASSERT_TRUE(answer) << target;
        EXPECT_EQ(answer->session, "s");
        EXPECT_EQ(answer->op, "o");
        EXPECT_EQ(answer->reason, EndReason::unsupported);
        EXPECT_NE(answer->detail.find("target_bytes"), std::string::npos) << answer->detail;
        EXPECT_TRUE(encode(Envelope{"1", *answer})) << target;
    }
}

TEST(FaultyOrder, NamesWhicheverFieldIsWrong) {
    const auto answer = answer_to(
        R"({"v":1,"type":"set_heap_target","id":"x","session":"s","op":"o","target_bytes":1,"deadline_ms":-5,"cap":"firm"})");
    ASSERT_TRUE(answer);
    EXPECT_NE(answer->detail.find("deadline_ms"), std::string::npos) << answer->detail;
}

TEST(FaultyOrder, HasNoAnswerIfItDoesNotSayWhose) {
    for (const char* line :
         {"", "{", "[]", "7", R"({"v":1,"type":"set_heap_target","id":"x","op":"o","target_bytes":-1,"deadline_ms":5})",
          R"({"v":1,"type":"set_heap_target","id":"x","session":"s","target_bytes":-1,"deadline_ms":5})",
          R"({"v":1,"type":"set_heap_target","id":"x","session":"s","op":"a b","target_bytes":-1,"deadline_ms":5})",
          R"({"v":1,"type":"cancel","id":"x","session":"s","op":"o","on_shortfall":"maybe"})"})
        EXPECT_FALSE(answer_to(line)) << line;
    EXPECT_FALSE(answer_to_faulty_order(std::string(WireLimits::kLine, ' '), {}));
}

}  // namespace
}  // namespace aerostat
