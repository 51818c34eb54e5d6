#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "host-controller/decide/plan.h"

namespace aerostat::host::app {

/// One decision with everything it was made from: decide(seen, before, rules, now) gives the plan again.
struct DecisionRecord {
    std::chrono::system_clock::time_point wall;
    TimePoint now;
    bool acted = false;  ///< mode "act": the orders were sent
    HostSnapshot seen;
    HostState before;
    HostRules rules;
    HostPlan plan;  ///< without `after`: it follows from the rest
};

inline constexpr std::size_t kLongestRecord = 16ULL << 20;

/// One line of JSON with its newline. Sizes end in _bytes, monotonic times in _ns. Fails: `bad_value` if it would be longer
/// than kLongestRecord, or a figure is not finite.
[[nodiscard]] Result<std::string> encode_record(const DecisionRecord& record);

/// Total over any input. Fails: `bad_value` with the field, `unsupported` for another version.
[[nodiscard]] Result<DecisionRecord> decode_record(std::string_view line);

}  // namespace aerostat::host::app
