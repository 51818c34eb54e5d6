#include "host-controller/metrics/families.h"

#include <cmath>
#include <sstream>

#include <prometheus/text_serializer.h>

#include "contract/names.h"

namespace aerostat::host::metrics {

void Families::gauge(const std::string& name, const char* help, std::optional<double> value, const Labels& labels) {
    if (value) add(name, help, prometheus::MetricType::Gauge, *value, labels);
}

void Families::counter(const std::string& name, const char* help, std::optional<double> value, const Labels& labels) {
    if (value) add(name, help, prometheus::MetricType::Counter, *value, labels);
}

void Families::add(const std::string& name, const char* help, prometheus::MetricType type, double value,
                   const Labels& labels) {
    if (!std::isfinite(value)) return;
    const auto [place, is_new] = places_.try_emplace(name, families_.size());
    if (is_new) families_.push_back({name, help, type, {}});
    prometheus::ClientMetric metric;
    // Names come from guests: what the format could not carry must not reach it.
    for (const auto& [label, text] : labels) metric.label.push_back({label, printable(text)});
    if (type == prometheus::MetricType::Counter)
        metric.counter.value = value;
    else
        metric.gauge.value = value;
    families_[place->second].metric.push_back(std::move(metric));
}

std::string Families::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
}

}  // namespace aerostat::host::metrics
