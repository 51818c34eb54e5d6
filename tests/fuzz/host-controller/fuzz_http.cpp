// What comes in at the metrics' door: any bytes give an answer, or are waited for; never beyond the bound.
#include <string>
#include <string_view>

#include "host-controller/metrics/http_exchange.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat::host::metrics;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto request = read_request(text);
    FUZZ_CHECK(request || size < kLongestRequest);
    if (!request) return 0;
    const std::string head = answer_head(*request, 7);
    FUZZ_CHECK(head.starts_with("HTTP/1.1 ") && head.find("\r\n\r\n") != std::string::npos);
    FUZZ_CHECK(head.find("\r\nConnection: close\r\n") != std::string::npos);
    return 0;
}
