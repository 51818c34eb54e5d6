#pragma once

#include <vector>

#include "contract/units.h"

namespace aerostat::host {

/// A claim on memory that is worth the same to everybody.
struct EqualClaim {
    Bytes low;      ///< it has this much already
    Bytes high;     ///< and can use up to this much
    Bytes present;  ///< what it holds now
    double weight = 1;
};

/// Shares `amount` among the claims; the result is each claim's total, in [low, high].
/// First everybody keeps what they hold (scaled down alike when that is too much), the rest follows the weights, bounded
/// by `high`. Hands out exactly min(amount, sum of high - low).
[[nodiscard]] std::vector<Bytes> fill_equal_claims(const std::vector<EqualClaim>& claims, Bytes amount);

}  // namespace aerostat::host
