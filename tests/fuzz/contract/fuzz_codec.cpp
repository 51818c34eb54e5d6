// Any bytes, cut into lines and decoded as everything a peer may send: never a crash, and whatever decodes can be encoded
// again and then decodes to the same.
#include <string_view>

#include "contract/codec.h"
#include "contract/line_framer.h"
#include "tests/fuzz/check.h"

namespace {

std::string_view without_newline(const std::string& line) { return std::string_view(line).substr(0, line.size() - 1); }

template <class Decode>
void check_round_trip(std::string_view line, Decode decode) {
    const auto first = decode(line);
    if (!first) {
        FUZZ_CHECK(!first.error().message.empty());
        return;
    }
    const auto encoded = aerostat::encode(*first);
    // Escaping can make a line that was just short enough too long; nothing else may keep a decoded value from being sent.
    if (!encoded) {
        FUZZ_CHECK(line.size() > aerostat::WireLimits::kLine / 8);
        return;
    }
    if (encoded->find('\n') != encoded->size() - 1) return;  // a reply in parts
    const auto second = decode(without_newline(*encoded));
    FUZZ_CHECK(second.has_value());
    FUZZ_CHECK(*aerostat::encode(*second) == *encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    aerostat::LineFramer framer;
    framer.feed(bytes, [](std::string_view line) {
        check_round_trip(line, aerostat::decode_message);
        check_round_trip(line, aerostat::decode_request);
        check_round_trip(line, aerostat::decode_reply);
        static_cast<void>(aerostat::id_of_malformed(line));
    });
    return 0;
}
