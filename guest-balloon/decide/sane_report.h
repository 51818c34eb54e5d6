#pragma once

#include <optional>

#include "contract/messages.h"

namespace aerostat::guest {

/// What was measured of the agent's process from outside, and how old that is.
struct OutsideView {
    std::optional<Bytes> pss;
    Duration age{};
};

/// The most a process of this PSS can be believed to hold: generous, since the measurement is older than the claim.
[[nodiscard]] Bytes most_believable(Bytes pss, Duration age);

/// An agent's report with every figure brought into an order that can be true: floor <= ceiling <= max heap, footprint no
/// larger than the process, rates finite and not negative, texts short and printable. Reports come from applications, which
/// are not trusted: arithmetic on the result cannot go wrong, and a lie gains at most what its own process holds.
[[nodiscard]] JvmReport sane_report(JvmReport claimed, const OutsideView& outside);
[[nodiscard]] JvmFacts sane_facts(JvmFacts claimed);

/// The same with a curve of at most `most_points`, never cheaper than before, and without free texts: for lines that would
/// otherwise be too long.
[[nodiscard]] JvmReport slim_report(JvmReport report, std::size_t most_points);

}  // namespace aerostat::guest
