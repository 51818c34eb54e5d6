#include "guest-balloon/act/courier.h"

#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

class CourierTest : public ::testing::Test {
protected:
    Guest guest;
    ConnectionId shop = guest.connect("shop", 10);
    std::vector<Message> sent;
    bool reachable = true;
    Courier courier{[this](ConnectionId, const Message& message) {
        if (reachable) sent.push_back(message);
        return reachable;
    }};
    void renew() { courier.renew_leases(guest.state.jvms(), Millis(30'000), guest.clock.now()); }
};

TEST_F(CourierTest, RenewsALeaseAfterAThirdOfIt) {
    courier.lease_began(shop, guest.clock.now());
    guest.clock.advance(seconds(9));
    renew();
    EXPECT_TRUE(sent.empty());
    guest.clock.advance(seconds(1));
    renew();
    renew();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(std::get<LeaseRenewal>(sent[0]).session, "s1");
}

TEST_F(CourierTest, AnOrderRenewsTheLease) {
    courier.lease_began(shop, guest.clock.now());
    guest.clock.advance(seconds(9));
    courier.carry(OrderAgent{shop, SetHeapTarget{}}, guest.clock.now());
    guest.clock.advance(seconds(9));
    renew();
    EXPECT_EQ(sent.size(), 1U);
}

TEST_F(CourierTest, AnOrderThatCouldNotBeSentDoesNotCount) {
    courier.lease_began(shop, guest.clock.now());
    guest.clock.advance(seconds(9));
    reachable = false;
    courier.carry(OrderAgent{shop, SetHeapTarget{}}, guest.clock.now());
    reachable = true;
    guest.clock.advance(seconds(1));
    renew();
    EXPECT_EQ(sent.size(), 1U);
}

}  // namespace
}  // namespace aerostat::guest
