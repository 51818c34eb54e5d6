#pragma once

#include "host-controller/decide/frame.h"

namespace aerostat::host {

/// Why a JVM's next step is what it is; explain.cpp turns it into words.
enum class StepKind { none, not_worth, busy, waits_for_free, restrain, shrink, raise };

struct Step {
    Bytes next;  ///< the target after this tick
    StepKind kind = StepKind::none;
    bool ordered = false;
};

/// How far to go this tick towards the aims of the sharing: [shared guest][shared layer], as in frame.problem.
///
/// Stability: no step below the dead band, none that costs more than it gains, none larger than the largest step, none
/// while an order is under way (urgent raises excepted). Free first, then give: raises draw on `free`, which is what is
/// left of the capacity after all that is booked; only urgent ones may also draw on the emergency reserve.
[[nodiscard]] std::vector<std::vector<Step>> next_steps(const Frame& frame, const ShareOutcome& aims,
                                                        const HostSnapshot& seen, const HostRules& rules, TimePoint now);

}  // namespace aerostat::host
