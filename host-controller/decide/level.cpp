#include "host-controller/decide/level.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace aerostat::host {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"ample", "advisory", "tight", "critical"};
constexpr double kAdvisory = 0.85;
constexpr double kTight = 0.95;
constexpr double kHysteresis = 0.03;

std::size_t level_at(const LevelInputs& inputs, double lenience) {
    const double used = inputs.charged.as_double() / std::max(1.0, inputs.capacity.as_double()) + lenience;
    if (!inputs.short_by.is_zero() || used > 1.0) return 3;
    if (used > kTight) return 2;
    return used > kAdvisory || inputs.price > 0 ? 1 : 0;
}

}  // namespace

std::string host_level(const LevelInputs& inputs, const std::string& before) {
    const auto now = level_at(inputs, 0);
    const auto found = static_cast<std::size_t>(std::find(kLevels.begin(), kLevels.end(), before) - kLevels.begin());
    if (found >= kLevels.size() || now >= found) return std::string(kLevels[now]);
    return std::string(kLevels[std::min(found, level_at(inputs, kHysteresis))]);
}

}  // namespace aerostat::host
