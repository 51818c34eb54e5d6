#include "contract/clock.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace aerostat {
namespace {

struct Unit {
    std::string_view suffix;
    double nanoseconds;
};
// "ms", "us" and "ns" before "s", which they end in.
constexpr std::array<Unit, 6> kUnits{{{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
constexpr double kLongest = 10.0 * 365 * 24 * 3600e9;  // ten years fit a Duration with room to add them up

tl::unexpected<Error> bad_duration(std::string_view text, std::string_view why) {
    return fail(ErrorCode::bad_value, "\"" + std::string(text.substr(0, 40)) + "\" is not a time: " + std::string(why) +
                                          "; write for example 500ms, 5s or 10m");
}

bool is_plain_decimal(std::string_view number) {
    bool point = false;
    for (const char c : number) {
        if (c == '.' && !point)
            point = true;
        else if (c < '0' || c > '9')
            return false;
    }
    return !number.empty() && number.front() != '.' && number.back() != '.';
}

}  // namespace

TimePoint SystemClock::now() const {
    timespec value{};
    ::clock_gettime(CLOCK_MONOTONIC, &value);  // cannot fail with this clock
    return TimePoint(std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec));
}

Result<Duration> parse_duration(std::string_view text) {
    if (is_plain_decimal(text)) return bad_duration(text, "a bare number has no unit");
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
        if (number.size() > 20 || !is_plain_decimal(number))
            return bad_duration(text, "a number followed by ns, us, ms, s, m or h is expected");
        double value = 0;
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
        const double nanoseconds = value * unit.nanoseconds;
        if (parsed.ec != std::errc() || nanoseconds > kLongest) return bad_duration(text, "it is too long");
        return Duration(std::llround(nanoseconds));
    }
    return bad_duration(text, "the unit must be ns, us, ms, s, m or h");
}

std::string format_duration(Duration duration) {
    const double seconds = to_seconds(duration);
    std::array<char, 64> text{};
    if (std::fabs(seconds) < 1e-3)
        std::snprintf(text.data(), text.size(), "%.0f us", seconds * 1e6);
    else if (std::fabs(seconds) < 1)
        std::snprintf(text.data(), text.size(), "%.0f ms", seconds * 1e3);
    else if (std::fabs(seconds) < 100)
        std::snprintf(text.data(), text.size(), "%.2f s", seconds);
    else {
        const auto whole = static_cast<long long>(seconds);
        if (whole < 3600 && whole > -3600)
            std::snprintf(text.data(), text.size(), "%lld m %02lld s", whole / 60, std::llabs(whole % 60));
        else
            std::snprintf(text.data(), text.size(), "%lld h %02lld m", whole / 3600, std::llabs(whole % 3600) / 60);
    }
    return text.data();
}

}  // namespace aerostat
