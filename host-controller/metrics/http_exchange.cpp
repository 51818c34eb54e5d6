#include "host-controller/metrics/http_exchange.h"

#include <algorithm>

namespace aerostat::host::metrics {
namespace {

constexpr std::string_view kPath = "/metrics";

struct Refusal {
    std::string_view status;
    std::string_view body;
};

Refusal refusal_of(Asked asked) {
    switch (asked) {
        case Asked::page:
            break;
        case Asked::hint:
            return {"200 OK", "aerostat-hostd: the metrics are at /metrics\n"};
        case Asked::unknown_path:
            return {"404 Not Found", "the metrics are at /metrics\n"};
        case Asked::unknown_method:
            return {"405 Method Not Allowed", "only GET and HEAD\n"};
        case Asked::nonsense:
            return {"400 Bad Request", "this is no HTTP/1.x request\n"};
        case Asked::too_long:
            return {"431 Request Header Fields Too Large", "a request has at most 8 KiB\n"};
    }
    return {"200 OK", ""};
}

std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool is_method(std::string_view word) {
    return !word.empty() && word.size() <= 16 && word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == word.npos;
}

HttpRequest read_first_line(std::string_view line) {
    const std::string_view method = take_word(line);
    const std::string_view target = take_word(line);
    if (!is_method(method) || !target.starts_with('/') || (line != "HTTP/1.1" && line != "HTTP/1.0")) return {};
    HttpRequest request{Asked::unknown_path, method == "HEAD"};
    if (method != "GET" && method != "HEAD")
        request.asked = Asked::unknown_method;
    else if (target.substr(0, target.find('?')) == kPath)
        request.asked = Asked::page;
    else if (target == "/")
        request.asked = Asked::hint;
    return request;
}

}  // namespace

std::optional<HttpRequest> read_request(std::string_view received) {
    const std::size_t end = received.find("\r\n\r\n");
    if (end != received.npos && end + 4 <= kLongestRequest)
        return read_first_line(received.substr(0, received.find("\r\n")));
    // One that can no longer become a request need not be waited for.
    if (received.size() >= kLongestRequest) return HttpRequest{Asked::too_long, false};
    const std::size_t first_line = received.find('\n');
    if (first_line != received.npos && (first_line == 0 || received[first_line - 1] != '\r')) return HttpRequest{};
    return std::nullopt;
}

std::string answer_head(const HttpRequest& request, std::size_t length) {
    const Refusal refusal = refusal_of(request.asked);
    const bool is_page = request.asked == Asked::page;
    std::string head = "HTTP/1.1 " + std::string(refusal.status) + "\r\nContent-Type: text/plain; ";
    head += is_page ? "version=0.0.4; charset=utf-8" : "charset=utf-8";
    head += "\r\nContent-Length: " + std::to_string(is_page ? length : refusal.body.size());
    if (request.asked == Asked::unknown_method) head += "\r\nAllow: GET, HEAD";
    head += "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    return is_page || request.head_only ? head : head + std::string(refusal.body);
}

}  // namespace aerostat::host::metrics
