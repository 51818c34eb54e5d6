// Sizes, times and names as people type them: any text gives a value within bounds or an error.
#include <string_view>

#include "contract/clock.h"
#include "contract/names.h"
#include "contract/units.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bytes = aerostat::parse_bytes(text)) {
        FUZZ_CHECK(aerostat::parse_bytes(aerostat::exact_bytes(*bytes)) == *bytes);
        FUZZ_CHECK(!aerostat::format_bytes(*bytes).empty());
    }
    if (const auto duration = aerostat::parse_duration(text)) {
        FUZZ_CHECK(duration->count() >= 0);
        FUZZ_CHECK(!aerostat::format_duration(*duration).empty());
    }
    const std::string shown = aerostat::printable(text, 64);
    FUZZ_CHECK(shown.size() <= 64 + 3);
    for (const char c : shown) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    FUZZ_CHECK(aerostat::printable(shown, 1000) == shown);
    if (aerostat::is_valid_name(text)) FUZZ_CHECK(aerostat::printable(text) == text);
    return 0;
}
