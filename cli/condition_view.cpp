#include "cli/condition_view.h"

#include <fmt/format.h>

#include "cli/figures.h"
#include "contract/clock.h"

namespace aerostat::cli {
namespace {

std::optional<Bytes> known(std::uint64_t bytes) {
    return bytes == AEROSTAT_UNKNOWN ? std::nullopt : std::optional(Bytes(bytes));
}

Style style_of(const aerostat_memory_condition& condition) {
    if (condition.validity == AEROSTAT_NO_DAEMON) return Style::dim;
    if (condition.level >= AEROSTAT_LEVEL_CRITICAL || condition.validity == AEROSTAT_STALE) return Style::bad;
    return condition.level >= AEROSTAT_LEVEL_ADVISORY ? Style::warning : Style::good;
}

const char* trend_name(std::int32_t trend) {
    if (trend == AEROSTAT_TREND_RISING) return "rising";
    if (trend == AEROSTAT_TREND_FALLING) return "falling";
    return trend == AEROSTAT_TREND_STEADY ? "steady" : "unknown";
}

std::string remark_on(const aerostat_memory_condition& condition) {
    switch (condition.validity) {
        case AEROSTAT_NO_DAEMON:
            return "no guestd publishes here";
        case AEROSTAT_STALE:
            return "guestd has died or hangs: its last word is " +
                   format_duration(Duration(static_cast<Duration::rep>(condition.age_ns))) + " old";
        case AEROSTAT_NO_HOST:
            return "no host is in charge, or it is silent";
        default:
            return {};
    }
}

std::string release_text(const aerostat_memory_condition& condition) {
    std::string text = show(known(condition.suggested_release_bytes));
    if (condition.suggested_release_bytes == 0 || condition.release_within_ns == AEROSTAT_UNKNOWN) return text;
    return text + " within " + format_duration(Duration(static_cast<Duration::rep>(condition.release_within_ns)));
}

std::string host_text(const aerostat_memory_condition& condition) {
    if (condition.host_level == AEROSTAT_LEVEL_UNKNOWN) return "-";
    std::string text = aerostat_level_name(condition.host_level);
    if (condition.host_price >= 0) text += ", memory costs " + show_price(condition.host_price) + " for each GiB";
    return text;
}

std::string percent(double figure) { return figure < 0 ? "-" : fmt::format("{:.2f} %", figure); }

/// Appends what is known, with commas where they belong.
class JsonLine {
public:
    void text(const char* name, const char* value) { add(name, fmt::format("\"{}\"", value)); }
    void number(const char* name, std::uint64_t value) {
        if (value != AEROSTAT_UNKNOWN) add(name, std::to_string(value));
    }
    void figure(const char* name, double value) {
        if (value >= 0) add(name, fmt::format("{}", value));
    }
    [[nodiscard]] std::string finish() { return body_ + "}\n"; }

private:
    void add(const char* name, const std::string& value) {
        body_ += fmt::format("{}\"{}\":{}", body_.size() > 1 ? "," : "", name, value);
    }
    std::string body_ = "{";
};

std::uint64_t millis(std::uint64_t ns) { return ns == AEROSTAT_UNKNOWN ? ns : ns / 1'000'000; }

}  // namespace

std::string render_condition(const aerostat_memory_condition& condition, const Look& look) {
    const std::string remark = remark_on(condition);
    std::string text = styled(aerostat_level_name(condition.level), style_of(condition), look);
    if (!remark.empty()) text += " (" + remark + ")";
    if (condition.validity == AEROSTAT_NO_DAEMON) return text + "\n";
    const std::pair<const char*, std::string> rows[] = {
        {"available", show(known(condition.available_bytes)) + ", " + trend_name(condition.trend)},
        {"suggested release", release_text(condition)},
        {"of", show(known(condition.guest_total_bytes))},
        {"Java balloons", show(known(condition.java_ballooned_bytes))},
        {"OS balloon", show(known(condition.guest_ballooned_bytes))},
        {"left by the host", show(known(condition.guest_target_bytes))},
        {"host", host_text(condition)},
        {"stalled, some", percent(condition.psi_some_avg10)},
        {"stalled, all", percent(condition.psi_full_avg10)},
    };
    text += "\n";
    for (const auto& [name, value] : rows) text += fmt::format("{:<18} {}\n", name, value);
    return text;
}

std::string render_condition_line(const aerostat_memory_condition& condition, const Look& look) {
    std::string text =
        fmt::format("{:<9} {:<9}", aerostat_validity_name(condition.validity), aerostat_level_name(condition.level));
    text = styled(text, style_of(condition), look);
    if (condition.validity == AEROSTAT_NO_DAEMON) return text + "\n";
    return text + fmt::format(" available {} ({}), release {}\n", show(known(condition.available_bytes)),
                              trend_name(condition.trend), release_text(condition));
}

std::string condition_as_json(const aerostat_memory_condition& condition) {
    JsonLine json;
    json.text("validity", aerostat_validity_name(condition.validity));
    json.text("level", aerostat_level_name(condition.level));
    if (condition.validity == AEROSTAT_NO_DAEMON) return json.finish();
    json.text("trend", trend_name(condition.trend));
    json.number("session", condition.session);
    json.number("age_ms", millis(condition.age_ns));
    json.number("available_bytes", condition.available_bytes);
    json.number("suggested_release_bytes", condition.suggested_release_bytes);
    json.number("release_within_ms", millis(condition.release_within_ns));
    json.number("java_ballooned_bytes", condition.java_ballooned_bytes);
    json.number("guest_ballooned_bytes", condition.guest_ballooned_bytes);
    json.number("guest_target_bytes", condition.guest_target_bytes);
    json.number("guest_total_bytes", condition.guest_total_bytes);
    if (condition.host_level != AEROSTAT_LEVEL_UNKNOWN) json.text("host_level", aerostat_level_name(condition.host_level));
    json.figure("host_price", condition.host_price);
    json.figure("psi_some_avg10", condition.psi_some_avg10);
    json.figure("psi_full_avg10", condition.psi_full_avg10);
    return json.finish();
}

std::vector<std::string> condition_environment(const aerostat_memory_condition& condition) {
    std::vector<std::string> words{std::string("AEROSTAT_LEVEL=") + aerostat_level_name(condition.level),
                                   std::string("AEROSTAT_VALIDITY=") + aerostat_validity_name(condition.validity)};
    const std::pair<const char*, std::uint64_t> figures[] = {
        {"AEROSTAT_AVAILABLE_BYTES", condition.available_bytes},
        {"AEROSTAT_SUGGESTED_RELEASE_BYTES", condition.suggested_release_bytes},
        {"AEROSTAT_RELEASE_WITHIN_MS", millis(condition.release_within_ns)},
    };
    for (const auto& [name, value] : figures) {
        if (value != AEROSTAT_UNKNOWN) words.push_back(fmt::format("{}={}", name, value));
    }
    return words;
}

}  // namespace aerostat::cli
