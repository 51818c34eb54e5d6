#include "cli/figures.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace aerostat::cli {
namespace {

constexpr const char* kUnknown = "-";

// The cell of the bar in which an amount ends.
std::size_t cell_of(Bytes amount, Bytes whole, std::size_t cells) {
    if (whole.is_zero()) return 0;
    const double share = std::min(1.0, amount.as_double() / whole.as_double());
    return static_cast<std::size_t>(std::lround(share * static_cast<double>(cells)));
}

}  // namespace

std::string show(Bytes amount) { return format_bytes(amount); }

std::string show(const std::optional<Bytes>& amount) { return amount ? format_bytes(*amount) : kUnknown; }

std::optional<Bytes> target_of(const JvmView& jvm) {
    if (jvm.target) return jvm.target;
    if (jvm.report.target) return jvm.report.target->footprint;
    return std::nullopt;
}

std::string show_cpu(double seconds_per_second) {
    if (!std::isfinite(seconds_per_second)) return kUnknown;
    return fmt::format("{:.1f} %", seconds_per_second * 100);
}

std::string show_price(double price) {
    if (!std::isfinite(price)) return kUnknown;
    if (price <= 0) return "0";
    const double millis = price * 1000;
    if (millis < 0.01) return "<0.01 ms/s";
    if (millis < 10) return fmt::format("{:.2f} ms/s", millis);
    return millis < 100'000 ? fmt::format("{:.0f} ms/s", millis) : fmt::format("{:.3g} ms/s", millis);
}

std::string show_price(const std::optional<double>& price) { return price ? show_price(*price) : kUnknown; }

std::string show_millis(const std::optional<Millis>& time) { return time ? format_duration(*time) : kUnknown; }

std::string show_count(const std::optional<std::uint64_t>& count) { return count ? std::to_string(*count) : kUnknown; }

std::string show_bar(const JvmView& jvm, std::size_t width) {
    if (width < 3) return "";
    const std::size_t cells = width - 2;
    const Bytes whole = std::max(jvm.report.ceiling, jvm.report.footprint.resident);
    std::string bar(cells, '.');
    const std::size_t resident = cell_of(jvm.report.footprint.resident, whole, cells);
    const std::size_t live = std::min(resident, cell_of(jvm.report.live.value_or(Bytes()), whole, cells));
    std::fill_n(bar.begin(), resident, '=');
    std::fill_n(bar.begin(), live, '#');
    const auto target = target_of(jvm);
    if (target && *target < whole) bar[std::min(cells - 1, cell_of(*target, whole, cells))] = '|';
    return "[" + bar + "]";
}

}  // namespace aerostat::cli
