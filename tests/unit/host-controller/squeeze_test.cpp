#include "host-controller/decide/squeeze.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host-controller/host_builders.h"

namespace aerostat::host {
namespace {

using namespace testing;
using ::testing::HasSubstr;

TEST(Squeeze, TakesTheCheapestBytesOfAGuestsJvms) {
    const GuestSeen guest =
        a_guest("shop", {a_heap("idle", 400_MiB, 100_MiB, 1_GiB), a_heap("busy", 400_MiB, 100_MiB, 1_GiB, 1e9)});
    const auto order = split_squeeze(guest, "", 200_MiB);
    ASSERT_TRUE(order);
    ASSERT_EQ(order->layers.size(), 1U);
    EXPECT_EQ(order->layers[0].layer, "idle");
    EXPECT_EQ(order->layers[0].target.footprint, 200_MiB);
}

TEST(Squeeze, SaysHowMuchAGuestCouldGive) {
    const GuestSeen guest = a_guest("shop", {a_heap("a", 400_MiB, 100_MiB, 1_GiB), a_heap("b", 200_MiB, 150_MiB, 1_GiB)});
    const auto order = split_squeeze(guest, "", 601_MiB);
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().code, ErrorCode::refused);
    EXPECT_THAT(order.error().message, HasSubstr("holds 600 MiB, of which 350 MiB lie above its floor"));
    EXPECT_TRUE(split_squeeze(guest, "", 350_MiB));
    EXPECT_EQ(split_squeeze(guest, "c", 1_MiB).error().code, ErrorCode::not_found);
    EXPECT_EQ(split_squeeze(guest, "", Bytes()).error().code, ErrorCode::bad_value);
}

TEST(Squeeze, AsksAJvmWhoseFloorIsOnlyAssumedForMore) {
    GuestSeen guest = a_guest("shop", {a_heap("a", 400_MiB, 100_MiB, 1_GiB), a_heap("b", 200_MiB, 160_MiB, 1_GiB)});
    guest.layers[1].floor_is_assumed = true;
    const auto order = split_squeeze(guest, "", 420_MiB);
    ASSERT_TRUE(order);
    ASSERT_EQ(order->layers.size(), 2U);
    EXPECT_EQ(order->layers[0].target.footprint, 100_MiB) << "what is known to be alive is not asked for";
    EXPECT_EQ(order->layers[1].target.footprint, 80_MiB);
    EXPECT_EQ(order->asked, 420_MiB);
    EXPECT_EQ(split_squeeze(guest, "", 520_MiB)->layers[0].target.footprint, 80_MiB) << "the rest is the agents' to refuse";
    EXPECT_EQ(split_squeeze(guest, "", 520_MiB)->layers[1].target.footprint, 0_B);
}

TEST(Give, IsBoundedByWhatIsVerifiedFree) {
    const GuestSeen guest = a_guest("shop", {held_at(a_heap("heap", 100_MiB, 50_MiB, 1_GiB), 100_MiB)});
    EXPECT_EQ(split_give(guest, {}, "", 300_MiB, 200_MiB).error().code, ErrorCode::refused);
    const auto order = split_give(guest, {}, "", 200_MiB, 200_MiB);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->layers[0].target.footprint, 300_MiB);
    EXPECT_EQ(split_release(guest, {}, "", 500_MiB)->layers[0].target.footprint, 600_MiB);
}

}  // namespace
}  // namespace aerostat::host
