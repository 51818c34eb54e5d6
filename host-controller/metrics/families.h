#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::host::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Metrics by name, in the order in which the names first came. Thread: owner's.
class Families {
public:
    void gauge(const std::string& name, const char* help, std::optional<double> value, const Labels& labels = {});
    /// Something that only grows; its name ends in _total.
    void counter(const std::string& name, const char* help, std::optional<double> value, const Labels& labels = {});
    /// Text format 0.0.4.
    [[nodiscard]] std::string text() const;

private:
    void add(const std::string& name, const char* help, prometheus::MetricType type, double value, const Labels& labels);

    std::vector<prometheus::MetricFamily> families_;
    std::map<std::string, std::size_t> places_;
};

/// What families take; nothing stays nothing.
[[nodiscard]] inline std::optional<double> number(const std::optional<Bytes>& amount) {
    return amount ? std::optional(amount->as_double()) : std::nullopt;
}
[[nodiscard]] inline double number(Bytes amount) { return amount.as_double(); }
[[nodiscard]] inline double number(Duration time) { return to_seconds(time); }

}  // namespace aerostat::host::metrics
