#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host-controller/sim/scenario.h"

namespace aerostat::host::app {

/// A scenario and the policies to try it with; each key is explained in examples/scenarios/small.toml.
struct ScenarioFile {
    sim::Scenario scenario;
    std::vector<const SharePolicy*> policies;
};

/// At most 10,000 guests and 10,000,000 ticks. Fails: `bad_value` with every problem found, one a line ("FILE:LINE: …");
/// `not_found`, `io` for the file.
[[nodiscard]] Result<ScenarioFile> read_scenario(const std::string& path);
[[nodiscard]] Result<ScenarioFile> parse_scenario(std::string_view text, const std::string& name_for_errors);

/// "price,static". Fails: `bad_value`.
[[nodiscard]] Result<std::vector<const SharePolicy*>> parse_policies(std::string_view words);

}  // namespace aerostat::host::app
