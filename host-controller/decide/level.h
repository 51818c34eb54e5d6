#pragma once

#include <string>

#include "contract/units.h"

namespace aerostat::host {

struct LevelInputs {
    Bytes capacity;
    Bytes charged;
    Bytes short_by;
    double price = 0;
};

/// The host's condition as guests are told it: ample, advisory, tight, critical. It rises at once and falls only when 3 % of
/// the capacity are gained, so that it does not flap.
[[nodiscard]] std::string host_level(const LevelInputs& inputs, const std::string& before);

}  // namespace aerostat::host
