#pragma once

#include <vector>

#include "contract/units.h"

// Who gives up what where targets come to more than there is, though nobody lacks memory now. Pure.
namespace aerostat::host {

struct Spare {
    Bytes unused;     ///< what it may hold and does not: that costs nobody anything
    Bytes all;        ///< with that of what it holds, which costs it collections
    double loss = 0;  ///< by all of it
};

/// What each gives up to cover `missing`: as few as can be. First what is unused, the largest first; if that is not enough,
/// all of those who lose least by it.
[[nodiscard]] std::vector<Bytes> cover(const std::vector<Spare>& spares, Bytes missing);

}  // namespace aerostat::host
