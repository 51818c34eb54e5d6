// What crosses the borders of aerostat-balloon and aerostat-punch: any line gives a value within the limits or an error, and
// what is understood is said again in words that mean the same.
#include <string_view>

#include "application-balloon/contract/wire.h"
#include "contract/line_framer.h"
#include "tests/fuzz/check.h"

namespace {

using namespace aerostat::balloon;

void check(const Frames& frames) { FUZZ_CHECK(check_frames(frames).has_value()); }

template <class Parse>
void check_round_trip(std::string_view line, Parse parse) {
    const auto first = parse(line);
    if (!first) return;
    const std::string said = line_of(*first);
    FUZZ_CHECK(said.find('\n') == said.size() - 1);
    FUZZ_CHECK(said.size() <= aerostat::WireLimits::kLine);
    const auto second = parse(std::string_view(said).substr(0, said.size() - 1));
    FUZZ_CHECK(second.has_value() && *second == *first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    aerostat::LineFramer framer;
    framer.feed(bytes, [](std::string_view line) {
        check_round_trip(line, parse_balloon_request);
        check_round_trip(line, parse_balloon_answer);
        check_round_trip(line, parse_punch_request);
        check_round_trip(line, parse_punch_answer);
        if (const auto request = parse_punch_request(line)) {
            if (const auto* order = std::get_if<PunchOrder>(&*request)) check(order->frames);
        }
    });
    return 0;
}
