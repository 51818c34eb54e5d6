#include "host-controller/metrics/scrape_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "tests/support/builders.h"
#include "tests/support/loop.h"

namespace aerostat::host::metrics {
namespace {

using namespace std::chrono_literals;
using aerostat::testing::run_until;
using asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Someone at the other end, on the same loop.
struct Client {
    Client(asio::io_context& loop, const ScrapeDoor& door) : socket(loop) {
        socket.connect(parse_endpoint(door.address()).value());
        socket.non_blocking(true);
        read();
    }
    void say(const std::string& text) {
        asio::error_code none;
        asio::write(socket, asio::buffer(text), none);
    }
    void read() {
        socket.async_read_some(asio::buffer(buffer), [this](asio::error_code error, std::size_t got) {
            heard.append(buffer.data(), got);
            if (error)
                ended = true;
            else
                read();
        });
    }
    tcp::socket socket;
    std::array<char, 4096> buffer{};
    std::string heard;
    bool ended = false;
};

class ADoor : public ::testing::Test {
protected:
    std::unique_ptr<ScrapeDoor> open(DoorBounds bounds = {}) {
        auto door = ScrapeDoor::open(
            loop, parse_endpoint("127.0.0.1:0").value(),
            [this] {
                ++made;
                return page;
            },
            clock, bounds);
        EXPECT_TRUE(door) << door.error().message;
        return *std::move(door);
    }
    asio::io_context loop;
    SystemClock clock;
    std::string page = "figures\n";
    int made = 0;
};

const std::string kGet = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(ADoor, ServesThePageOnce) {
    const auto door = open();
    Client client(loop, *door);
    client.say(kGet);
    ASSERT_TRUE(run_until(loop, [&] { return client.ended; }));
    EXPECT_THAT(client.heard, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.heard, EndsWith("\r\n\r\nfigures\n"));
    EXPECT_EQ(door->connections(), 0U);
}

TEST_F(ADoor, MakesOnePageForManyThatAskAtOnce) {
    const auto door = open({.page_lasts = 1h});
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(std::make_unique<Client>(loop, *door));
        clients.back()->say(kGet);
    }
    ASSERT_TRUE(run_until(
        loop, [&] { return std::all_of(clients.begin(), clients.end(), [](const auto& one) { return one->ended; }); }));
    EXPECT_EQ(made, 1);
}

TEST_F(ADoor, IsNotKeptShutByHalfRequests) {
    const auto door = open({.connections = 4, .accepts_per_second = 1'000, .within = 1h});
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 20; ++i) {
        idle.push_back(std::make_unique<Client>(loop, *door));
        idle.back()->say("GET /metr");
    }
    Client client(loop, *door);
    client.say(kGet);
    ASSERT_TRUE(run_until(loop, [&] { return client.ended; }));
    EXPECT_THAT(client.heard, EndsWith("figures\n"));
    EXPECT_LE(door->connections(), 4U);
}

TEST_F(ADoor, EndsWhoeverTakesTooLong) {
    page = std::string(64UL << 20, 'x');  // more than the kernel takes for one who does not read
    const auto door = open({.within = 200ms});
    Client half(loop, *door);
    half.say("GET /metrics HTTP/1.1\r\n");
    tcp::socket slow(loop);
    slow.connect(parse_endpoint(door->address()).value());
    asio::write(slow, asio::buffer(kGet));
    ASSERT_TRUE(run_until(loop, [&] { return half.ended && made == 1 && door->connections() == 0; }));
}

TEST_F(ADoor, LetsInOnlySoManyASecond) {
    const auto door = open({.accepts_per_second = 3});
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(std::make_unique<Client>(loop, *door));
        clients.back()->say(kGet);
    }
    const auto began = clock.now();
    const auto all_served = [&] {
        return std::all_of(clients.begin(), clients.end(), [](const auto& one) { return one->ended; });
    };
    ASSERT_TRUE(run_until(loop, all_served));
    EXPECT_GE(clock.now() - began, 1900ms) << "eight at three a second";
}

TEST_F(ADoor, SaysWhyItCannotOpen) {
    const auto door = open();
    const auto second = ScrapeDoor::open(
        loop, parse_endpoint(door->address()).value(), [] { return ""; }, clock);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr(door->address() + ": Address already in use"));
}

TEST(MetricsEndpoint, IsAnAddressAndAPort) {
    for (const char* good : {"127.0.0.1:9177", "[::1]:9177", "0.0.0.0:0", "[::]:65535"})
        EXPECT_TRUE(parse_endpoint(good)) << good;
    for (const char* bad : {"", ":", "9177", "localhost:9177", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                            "::1:9177", "[::1]", "127.0.0.1:-1", "127.0.0.1:9177 "})
        EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

}  // namespace
}  // namespace aerostat::host::metrics
