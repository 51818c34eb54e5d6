#include "contract/condition_page.h"

#include <cstring>

#include <gtest/gtest.h>

namespace aerostat {
namespace {

TEST(ConditionPage, CarriesItsMagicAsReadableBytes) {
    char bytes[8];
    std::memcpy(bytes, &kConditionMagic, sizeof bytes);
    EXPECT_EQ(std::string(bytes, sizeof bytes), "AROSTCON");
}

TEST(ConditionPage, KeepsTheOffsetsThatReadersInOtherLanguagesUse) {
    EXPECT_EQ(offsetof(ConditionPage, level), 20U);
    EXPECT_EQ(offsetof(ConditionPage, updated_ns), 40U);
    EXPECT_EQ(offsetof(ConditionPage, suggested_release_bytes), 64U);
    EXPECT_EQ(offsetof(ConditionPage, guest_total_bytes), 104U);
    EXPECT_EQ(offsetof(ConditionPage, psi_full_avg10), 136U);
    EXPECT_TRUE(std::is_trivially_copyable_v<ConditionPage>);
}

}  // namespace
}  // namespace aerostat
