#include "host-controller/sim/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace aerostat::host::sim {
namespace {

using Row = std::vector<std::string>;

Row row_of(const Comparison& comparison, const Outcome& outcome, bool bound) {
    const double all = comparison.unrestrained.stall_seconds;
    return {outcome.policy,
            format_bytes(outcome.mean_resident),
            format_bytes(outcome.peak_resident),
            fmt::format("{:.0f} %", comparison.saved(outcome) * 100),
            fmt::format("{:.0f}", outcome.stall_seconds),
            all > 0 ? fmt::format("{:.2f}", outcome.stall_seconds / all) : "-",
            fmt::format("{} ({:.0f})", outcome.worst_guest.empty() ? "-" : outcome.worst_guest, outcome.worst_seconds),
            bound ? fmt::format("{} ({})", outcome.moves, format_bytes(outcome.moved)) : "-",
            bound ? std::to_string(outcome.violated()) : "-"};
}

std::string aligned(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            text += i == 0 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
        text += '\n';
    }
    return text;
}

// Which layer paid: the stall and the mean memory of each kind, a policy a column.
std::string by_layer(const Comparison& comparison) {
    std::vector<Row> rows{{"stall s (memory)"}, {"heaps"}, {"page caches"}};
    const auto cell = [](const LayerTotal& one) {
        return fmt::format("{:.0f} ({})", one.stall_seconds, format_bytes(one.mean));
    };
    const auto add = [&](const Outcome& outcome) {
        rows[0].push_back(outcome.policy);
        rows[1].push_back(cell(outcome.heaps));
        rows[2].push_back(cell(outcome.caches));
    };
    for (const Outcome& outcome : comparison.outcomes) add(outcome);
    add(comparison.unrestrained);
    return comparison.unrestrained.caches.mean.is_zero() ? std::string() : "\n" + aligned(rows);
}

}  // namespace

double Comparison::saved(const Outcome& outcome) const {
    const double all = unrestrained.mean_resident.as_double();
    return all > 0 ? 1 - outcome.mean_resident.as_double() / all : 0;
}

std::uint64_t Comparison::violated() const {
    std::uint64_t times = 0;
    for (const Outcome& one : outcomes) times += one.violated();
    return times;
}

std::string render(const Comparison& comparison) {
    std::string text = fmt::format("{}: {} guests, {} for them ({} to share out), {:.1f} hours\n\n", comparison.scenario,
                                   comparison.guests, format_bytes(comparison.memory), format_bytes(comparison.capacity),
                                   to_seconds(comparison.length) / 3600);
    std::vector<Row> rows{{"policy", "memory", "peak", "saved", "stall s", "x", "worst guest (s)", "moves", "violations"}};
    for (const Outcome& outcome : comparison.outcomes) rows.push_back(row_of(comparison, outcome, true));
    rows.push_back(row_of(comparison, comparison.unrestrained, false));
    text += aligned(rows) + by_layer(comparison);
    text += "\nstall s: CPU seconds lost for want of memory, all guests; x: of those of unrestrained guests\n";
    for (const Outcome& outcome : comparison.outcomes) {
        for (std::size_t i = 0; i < kInvariants; ++i) {
            const Violation& violation = outcome.violations[i];
            if (violation.times == 0) continue;
            text += fmt::format("VIOLATED by {}: {}, {} times, first {}\n", outcome.policy,
                                to_string(static_cast<Invariant>(i)), violation.times, violation.first);
        }
    }
    return text;
}

}  // namespace aerostat::host::sim
