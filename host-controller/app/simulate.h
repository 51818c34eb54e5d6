#pragma once

#include <string>

#include "host-controller/app/scenario_file.h"
#include "host-controller/sim/report.h"

namespace aerostat::host::app {

/// Runs the scenario under each of its policies, on as many threads as there are processors.
[[nodiscard]] sim::Comparison simulate(const ScenarioFile& file);

/// For `--json`: sizes in bytes, times in seconds, violations by name.
[[nodiscard]] std::string as_json(const sim::Comparison& comparison);

}  // namespace aerostat::host::app
