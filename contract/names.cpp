#include "contract/names.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>

namespace aerostat {
namespace {

constexpr std::size_t kLongestName = 64;

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           c == '~';
}

// Length of the UTF-8 sequence that starts here, or 0 if the bytes are not one (RFC 3629: no overlong forms, no surrogates).
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0 && at(1) < 0xA0) return 0;
        if (lead == 0xED && at(1) > 0x9F) return 0;
        return follows(1) && follows(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0 && at(1) < 0x90) return 0;
        if (lead == 0xF4 && at(1) > 0x8F) return 0;
        return follows(1) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

bool is_valid_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), is_name_byte);
}

bool is_valid_id(std::string_view text) { return is_valid_name(text); }

Result<std::string> parse_name(std::string_view text) {
    if (!is_valid_name(text) || text.find('~') != std::string_view::npos) {
        return fail(ErrorCode::bad_value,
                    "\"" + printable(text, 80) +
                        "\" is not a name: 1 to 64 letters, digits, dots, underscores or hyphens are allowed");
    }
    return std::string(text);
}

std::string fresh_id() {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
        // A kernel without getrandom: ids need to be unlikely to repeat, not secret.
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        bits = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'007ULL + static_cast<std::uint64_t>(now.tv_nsec);
    }
    constexpr std::array<char, 16> kDigits{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    std::string id(16, '0');
    for (char& digit : id) {
        digit = kDigits[bits & 0xFU];
        bits >>= 4U;
    }
    return id;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const auto lead = static_cast<unsigned char>(text.front());
        const bool harmless = length > 1 ? !(lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0)
                                         : (length == 1 && lead >= 0x20 && lead != 0x7F);
        const std::size_t step = length == 0 ? 1 : length;
        if (shown.size() + (harmless ? step : 1) > limit) return shown + "…";
        if (harmless)
            shown.append(text.substr(0, step));
        else
            shown.push_back('?');
        text.remove_prefix(step);
    }
    return shown;
}

}  // namespace aerostat
