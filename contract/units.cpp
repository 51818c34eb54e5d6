#include "contract/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace aerostat {
namespace {

struct Unit {
    std::string_view suffix;
    std::uint64_t factor;
};
// Largest first; "B" must come last, because every suffix ends in it.
constexpr std::array<Unit, 5> kUnits{
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

tl::unexpected<Error> bad_size(std::string_view text, std::string_view why) {
    return fail(ErrorCode::bad_value, "\"" + std::string(text.substr(0, 40)) + "\" is not a size: " + std::string(why) +
                                          "; write for example 512MiB or 2GiB");
}

// Digits and at most one point; from_chars alone would also take "inf", "1e9" and "-3".
bool is_plain_decimal(std::string_view number) {
    std::size_t points = 0;
    for (const char c : number) {
        if (c == '.')
            ++points;
        else if (c < '0' || c > '9')
            return false;
    }
    return !number.empty() && points <= 1 && number.front() != '.' && number.back() != '.';
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
    if (is_plain_decimal(text)) return bad_size(text, "a bare number has no unit");
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
        if (number.size() > 20 || !is_plain_decimal(number))
            return bad_size(text, "a number followed by B, KiB, MiB, GiB or TiB is expected");
        double value = 0;
        std::uint64_t whole = 0;
        if (number.find('.') == std::string_view::npos) {
            const auto parsed = std::from_chars(number.data(), number.data() + number.size(), whole);
            if (parsed.ec != std::errc() || whole > Bytes::kLimit / unit.factor) return bad_size(text, "it is too large");
            return Bytes(whole * unit.factor);
        }
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
        const double product = value * static_cast<double>(unit.factor);
        if (parsed.ec != std::errc() || product >= static_cast<double>(Bytes::kLimit))
            return bad_size(text, "it is too large");
        return Bytes(static_cast<std::uint64_t>(product));
    }
    return bad_size(text, "the unit must be B, KiB, MiB, GiB or TiB");
}

std::string format_bytes(Bytes amount) {
    for (const Unit& unit : kUnits) {
        if (amount.count() < unit.factor || unit.factor == 1) continue;
        const double value = amount.as_double() / static_cast<double>(unit.factor);
        std::array<char, 48> text{};
        // MiB and below are read as whole numbers; GiB and TiB need the digits.
        const int digits = unit.factor >= (1ULL << 30) ? 2 : 0;
        std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, std::string(unit.suffix).c_str());
        return text.data();
    }
    return std::to_string(amount.count()) + " B";
}

std::string format_delta(ByteDelta amount) {
    const std::int64_t count = amount.count();
    if (count == 0) return "0 B";
    // Negating the smallest value would overflow; unsigned arithmetic does not.
    const std::uint64_t magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    return (count < 0 ? "-" : "+") + format_bytes(Bytes(magnitude));
}

std::string exact_bytes(Bytes amount) {
    for (const Unit& unit : kUnits) {
        if (amount.count() >= unit.factor && amount.count() % unit.factor == 0) {
            return std::to_string(amount.count() / unit.factor) + std::string(unit.suffix);
        }
    }
    return "0B";
}

}  // namespace aerostat
