#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace aerostat::host::metrics {

/// Longer requests are refused: Prometheus' own has some 300 bytes.
inline constexpr std::size_t kLongestRequest = std::size_t{8} * 1024;

/// What of HTTP/1.x a page that is fetched needs: one GET or HEAD a connection.
enum class Asked { page, hint, unknown_path, unknown_method, nonsense, too_long };
struct HttpRequest {
    Asked asked = Asked::nonsense;
    bool head_only = false;
};

/// Reads what has come so far; absent: the request is not complete yet. Total: any bytes give an answer.
[[nodiscard]] std::optional<HttpRequest> read_request(std::string_view received);

/// The head of the answer. Of a page, `length` is its size; the other answers carry their own body.
[[nodiscard]] std::string answer_head(const HttpRequest& request, std::size_t length);

}  // namespace aerostat::host::metrics
