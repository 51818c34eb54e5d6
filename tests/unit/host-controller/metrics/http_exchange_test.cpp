#include "host-controller/metrics/http_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aerostat::host::metrics {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Asked asked(const std::string& first_line) {
    const auto request = read_request(first_line + "\r\nHost: localhost:9177\r\n\r\n");
    return request ? request->asked : Asked::nonsense;
}

TEST(HttpExchange, KnowsThePageAndItsNeighbours) {
    EXPECT_EQ(asked("GET /metrics HTTP/1.1"), Asked::page);
    EXPECT_EQ(asked("GET /metrics?name=x HTTP/1.0"), Asked::page);
    EXPECT_EQ(asked("HEAD /metrics HTTP/1.1"), Asked::page);
    EXPECT_EQ(asked("GET / HTTP/1.1"), Asked::hint);
    EXPECT_EQ(asked("GET /metricsx HTTP/1.1"), Asked::unknown_path);
    EXPECT_EQ(asked("GET /../etc/passwd HTTP/1.1"), Asked::unknown_path);
    EXPECT_EQ(asked("POST /metrics HTTP/1.1"), Asked::unknown_method);
}

TEST(HttpExchange, AnswersWhatIsNoRequest) {
    for (const std::string line : {"", " ", "GET", "GET /metrics", "get /metrics HTTP/1.1", "GET metrics HTTP/1.1",
                                   "GET /metrics HTTP/2.0", "GET  /metrics HTTP/1.1", "GET /metrics HTTP/1.1 x"})
        EXPECT_EQ(asked(line), Asked::nonsense) << line;
    EXPECT_EQ(read_request("{\"v\":1}\n")->asked, Asked::nonsense) << "without waiting for more";
    EXPECT_EQ(read_request(std::string("\x16\x03\x01\n", 4))->asked, Asked::nonsense);
}

TEST(HttpExchange, WaitsForTheRestOfARequest) {
    const std::string whole = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(read_request(whole.substr(0, length))) << length;
    EXPECT_TRUE(read_request(whole));
}

TEST(HttpExchange, RefusesWhatIsLongerThanItsBound) {
    const std::string start = "GET /metrics HTTP/1.1\r\nCookie: ";
    EXPECT_FALSE(read_request(start + std::string(kLongestRequest - start.size() - 1, 'x')));
    EXPECT_EQ(read_request(start + std::string(kLongestRequest - start.size(), 'x'))->asked, Asked::too_long);
    EXPECT_EQ(read_request(start + std::string(kLongestRequest, 'x') + "\r\n\r\n")->asked, Asked::too_long);
}

TEST(HttpExchange, TellsLengthAndKindOfEachAnswer) {
    const std::string page = answer_head({Asked::page, false}, 1234);
    EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(page, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    EXPECT_THAT(page, HasSubstr("Content-Length: 1234\r\n"));
    EXPECT_THAT(page, EndsWith("Connection: close\r\n\r\n"));
    EXPECT_THAT(answer_head({Asked::unknown_method, false}, 0), HasSubstr("Allow: GET, HEAD\r\n"));
    const std::string refusal = answer_head({Asked::unknown_path, false}, 1234);
    EXPECT_THAT(refusal, StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(refusal, Not(HasSubstr("1234")));
    EXPECT_THAT(answer_head({Asked::unknown_path, true}, 0), EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace aerostat::host::metrics
