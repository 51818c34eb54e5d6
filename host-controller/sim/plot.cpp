#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "host-controller/sim/report.h"

namespace aerostat::host::sim {
namespace {

constexpr double kLeft = 70;
constexpr double kPanelWidth = 440;
constexpr double kGap = 90;
constexpr double kTop = 50;
constexpr double kPanelHeight = 110;
constexpr double kRow = 165;
constexpr double kGiB = 1073741824.0;

struct Frame {
    double x;
    double y;
    double hours;
    double top;  ///< the value at the upper edge
    [[nodiscard]] double at_x(double hour) const { return x + kPanelWidth * hour / std::max(hours, 1e-9); }
    [[nodiscard]] double at_y(double value) const { return y + kPanelHeight * (1 - value / std::max(top, 1e-12)); }
};

// Names come from the scenario's file.
std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<' || c == '>' || c == '&' || c == '"')
            safe += fmt::format("&#{};", static_cast<int>(c));
        else
            safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return safe;
}

std::string words(double x, double y, std::string_view anchor, std::string_view text) {
    return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text));
}

template <class Value>
std::string line(const Frame& frame, const Outcome& outcome, std::string_view style, Value value) {
    std::string points;
    for (const Sample& sample : outcome.samples)
        points += fmt::format("{:.1f},{:.1f} ", frame.at_x(sample.hours), frame.at_y(std::min(frame.top, value(sample))));
    return fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", style, points);
}

std::string axes(const Frame& frame, std::string_view unit) {
    std::string text = fmt::format("<rect class=\"panel\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\"/>\n",
                                   frame.x, frame.y, kPanelWidth, kPanelHeight);
    text += words(frame.x - 6, frame.y + 10, "end", fmt::format("{:.3g} {}", frame.top, unit));
    text += words(frame.x - 6, frame.y + kPanelHeight, "end", "0");
    const bool days = frame.hours > 48;
    for (int i = 0; i <= 4; ++i) {
        const double hour = frame.hours * i / 4;
        text += words(frame.at_x(hour), frame.y + kPanelHeight + 14, "middle",
                      days ? fmt::format("{:.3g} d", hour / 24) : fmt::format("{:.3g} h", hour));
    }
    return text;
}

struct Tops {
    double memory = 0;
    double cost = 0;
};

Tops tops_of(const Comparison& comparison) {
    Tops tops{comparison.memory.as_double() / kGiB, 1e-3};
    for (const Outcome& outcome : comparison.outcomes) {
        for (const Sample& sample : outcome.samples) {
            tops.memory = std::max(tops.memory, sample.resident.as_double() / kGiB);
            tops.cost = std::max(tops.cost, sample.cost);
        }
    }
    return {tops.memory * 1.05, tops.cost * 1.05};
}

std::string panels(const Comparison& comparison, const Outcome& outcome, const Tops& tops, double y) {
    const double hours = to_seconds(comparison.length) / 3600;
    const Frame memory{kLeft, y, hours, tops.memory};
    const Frame cost{kLeft + kPanelWidth + kGap, y, hours, tops.cost};
    const double capacity = memory.at_y(comparison.capacity.as_double() / kGiB);
    std::string text = words(kLeft, y - 8, "start", outcome.policy + ": memory held, booked (thin), capacity (dashed)");
    text += words(cost.x, y - 8, "start",
                  fmt::format("CPU seconds lost a second; {:.0f} s in all, unrestrained (thin) {:.0f} s",
                              outcome.stall_seconds, comparison.unrestrained.stall_seconds));
    text += axes(memory, "GiB") + axes(cost, "s/s");
    text += fmt::format("<line class=\"limit\" x1=\"{:.0f}\" y1=\"{:.1f}\" x2=\"{:.0f}\" y2=\"{:.1f}\"/>\n", kLeft, capacity,
                        kLeft + kPanelWidth, capacity);
    text += line(memory, outcome, "thin", [](const Sample& s) { return s.booked.as_double() / kGiB; });
    text += line(memory, outcome, "held", [](const Sample& s) { return s.resident.as_double() / kGiB; });
    text += line(cost, comparison.unrestrained, "thin", [](const Sample& s) { return s.cost; });
    return text + line(cost, outcome, "lost", [](const Sample& s) { return s.cost; });
}

}  // namespace

std::string plot(const Comparison& comparison) {
    const double width = kLeft + 2 * kPanelWidth + kGap + 20;
    const double height = kTop + kRow * static_cast<double>(comparison.outcomes.size());
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\">\n"
        "<style>text{{font:11px sans-serif;fill:#333}} polyline{{fill:none;stroke-width:1.5}} "
        ".panel{{fill:#fafafa;stroke:#ccc}} "
        ".held{{stroke:#1f6fb4}} .lost{{stroke:#c0392b}} .thin{{stroke:#888;stroke-width:.7}} "
        ".limit{{stroke:#333;stroke-dasharray:5 3}}</style>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        width, height);
    text += words(kLeft, 18, "start",
                  fmt::format("{}: {} guests, {}", comparison.scenario, comparison.guests, format_bytes(comparison.memory)));
    const Tops tops = tops_of(comparison);
    double y = kTop;
    for (const Outcome& outcome : comparison.outcomes) {
        text += panels(comparison, outcome, tops, y);
        y += kRow;
    }
    return text + "</svg>\n";
}

}  // namespace aerostat::host::sim
