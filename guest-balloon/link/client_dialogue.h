#pragma once

#include <string_view>

#include "contract/codec.h"

namespace aerostat::guest {

/// What an application may say, at any time: watch, reclaimer, forget, reclaimed, error. Pure. Fails: `bad_value`
/// (malformed: to be counted and dropped), `unsupported` and `refused` (not from an application), both to be answered with
/// an error.
[[nodiscard]] Result<Envelope> read_from_application(std::string_view line);

}  // namespace aerostat::guest
