#include "cli/condition_view.h"

#include <gmock/gmock.h>

#include "cli/arguments.h"

namespace aerostat::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

aerostat_memory_condition tight_condition() {
    aerostat_memory_condition condition = AEROSTAT_MEMORY_CONDITION_INIT;
    condition.validity = AEROSTAT_VALID;
    condition.level = AEROSTAT_LEVEL_TIGHT;
    condition.trend = AEROSTAT_TREND_FALLING;
    condition.age_ns = 3'000'000;
    condition.available_bytes = 512ULL << 20U;
    condition.suggested_release_bytes = 256ULL << 20U;
    condition.release_within_ns = 9'500'000'000;
    condition.guest_total_bytes = 8ULL << 30U;
    condition.psi_some_avg10 = 6.5;
    return condition;
}

TEST(ConditionView, SaysWhatCountsFirst) {
    const std::string text = render_condition(tight_condition(), Look{});
    EXPECT_THAT(text, ::testing::StartsWith("tight\n"));
    EXPECT_THAT(text, HasSubstr("512 MiB, falling"));
    EXPECT_THAT(text, HasSubstr("256 MiB within 9.50 s"));
    EXPECT_THAT(text, HasSubstr("6.50 %"));
    EXPECT_THAT(text, HasSubstr("OS balloon         -\n")) << "unknown is no zero";
}

TEST(ConditionView, WithoutADaemonThereAreNoFigures) {
    const aerostat_memory_condition nothing = AEROSTAT_MEMORY_CONDITION_INIT;
    EXPECT_EQ(render_condition(nothing, Look{}), "unknown (no guestd publishes here)\n");
    EXPECT_EQ(condition_as_json(nothing), "{\"validity\":\"no-daemon\",\"level\":\"unknown\"}\n");
    EXPECT_THAT(condition_environment(nothing),
                ::testing::ElementsAre("AEROSTAT_LEVEL=unknown", "AEROSTAT_VALIDITY=no-daemon"));
}

TEST(ConditionView, AStaleAnswerSaysHowOldItIs) {
    auto condition = tight_condition();
    condition.validity = AEROSTAT_STALE;
    condition.age_ns = 7'000'000'000;
    EXPECT_THAT(render_condition(condition, Look{}), HasSubstr("7.00 s old"));
}

TEST(ConditionView, JsonLeavesOutWhatIsUnknown) {
    const std::string json = condition_as_json(tight_condition());
    EXPECT_THAT(json, HasSubstr("\"available_bytes\":536870912"));
    EXPECT_THAT(json, HasSubstr("\"release_within_ms\":9500"));
    EXPECT_THAT(json, Not(HasSubstr("host_price")));
    EXPECT_THAT(json, Not(HasSubstr("guest_target_bytes")));
}

TEST(ConditionView, ACommandIsToldInItsEnvironment) {
    const auto words = condition_environment(tight_condition());
    EXPECT_THAT(words, Contains("AEROSTAT_LEVEL=tight"));
    EXPECT_THAT(words, Contains("AEROSTAT_SUGGESTED_RELEASE_BYTES=268435456"));
    EXPECT_THAT(words, Contains("AEROSTAT_RELEASE_WITHIN_MS=9500"));
}

TEST(Arguments, ConditionIsNoRequestToADaemon) {
    const auto parsed = parse_arguments({"condition", "--watch", "--json", "--exec", "true"}, "/run/x/control.sock");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->action, Invocation::Action::condition);
    EXPECT_TRUE(parsed->condition.watch);
    EXPECT_TRUE(parsed->json);
    EXPECT_EQ(parsed->condition.command, "true");
    EXPECT_EQ(parsed->socket, "/run/x/control.sock");
}

}  // namespace
}  // namespace aerostat::cli
